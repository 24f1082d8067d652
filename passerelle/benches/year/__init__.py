"""`passerelle bench year`: the fleet manager after twelve months of 1,615 gateways; about eight minutes.

A year is written (``data``), then `fleet serve` runs on it as in service, with every gateway's heartbeats
coming in: it starts, closes the month that is due, gives its heaviest pages, and is started again.  Memory is
the highest of the process and of its children while it does each, beside what it holds at rest; cycles are
counted all the while.
"""

import tempfile
import time
from contextlib import closing
from pathlib import Path

from fleet.cli import commands
from passerelle.benches.year import data
from passerelle.benches.year.served import MOSQUITTO, Served
from passerelle.figures import Figure

REST_S = 45
"""After a start, until memory is taken as being at rest."""
MEMORY_TARGET_MB = 400.0
TIME_TARGET_S = 20.0
DISK_TARGET_MB = 1_000.0
CYCLES_TARGET_HZ = 0.95
DAYS = 30
SIZE = f"{data.GATEWAYS} gateways x {data.MONTHS} months, {data.TROUBLES} outages a month"


def measure() -> list[Figure]:
    """Return every figure."""
    if MOSQUITTO is None:
        absent = "mosquitto is not installed: apt-get install mosquitto"
        return [Figure(name="restart", value=None, unit="s", target=TIME_TARGET_S, how=absent)]
    with tempfile.TemporaryDirectory(prefix="passerelle-bench-") as folder:
        path = Path(folder) / "fleet"
        served = Served(path)
        began = time.monotonic()
        _, database = commands.open_fleet(path)
        with closing(database):
            served.lives, served.closed = data.fill(database, time.time_ns() // 1000)
            plain_bytes = sum(each.stat().st_size for each in path.glob("fleet.db*"))
            sketch_bytes = data.sketch_a_day(database, time.time_ns() // 1000)
        filled_s = time.monotonic() - began
        with served:
            return [*_disk(plain_bytes, sketch_bytes, filled_s), *_measured(served)]


def _disk(plain_bytes: int, sketch_bytes: int, filled_s: float) -> list[Figure]:
    month_mb = plain_bytes / 1e6 / data.MONTHS
    sketches = data.GATEWAYS * data.SKETCHES_A_DAY
    return [
        Figure(
            name="disk a month without sketches",
            value=month_mb,
            unit="MB",
            target=None,
            how=f"{SIZE}: {plain_bytes / 1e6:.0f} MB in all, health details by the hour and closed months"
            f" among them; written in {filled_s:.0f} s",
        ),
        Figure(
            name="disk a month",
            value=month_mb + sketch_bytes / 1e6 * DAYS,
            unit="MB",
            target=DISK_TARGET_MB,
            how=f"with {sketches} sketches of addresses a day: one day measured, {sketch_bytes / 1e6:.0f} MB,"
            f" times {DAYS}",
        ),
    ]


def _measured(served: Served) -> list[Figure]:
    first_s = served.start()
    before = served.cycles()
    time.sleep(REST_S)
    rest_mb = served.memory_mb()
    closed_s, closed_mb = served.close_month()
    pages = served.pages(served.closed)
    cycles_hz = served.cycles_since(before)
    again_s = served.restart()
    slowest = max(pages, key=lambda page: page.took_s)
    largest = max(pages, key=lambda page: page.memory_mb)
    most = f"of {len(pages)} pages, files and answers of the API"
    return [
        Figure(name="first start", value=first_s, unit="s", target=TIME_TARGET_S, how="to its first cycle"),
        Figure(name="restart", value=again_s, unit="s", target=TIME_TARGET_S, how="to its first cycle"),
        Figure(name="month close", value=closed_s, unit="s", target=TIME_TARGET_S, how="beside the engine"),
        Figure(
            name="memory of a month close",
            value=closed_mb - rest_mb,
            unit="MB",
            target=MEMORY_TARGET_MB,
            how=f"highest above {rest_mb:.0f} MB at rest, its child with it",
        ),
        Figure(
            name="slowest page",
            value=slowest.took_s,
            unit="s",
            target=TIME_TARGET_S,
            how=f"{slowest.path}, {most}",
        ),
        Figure(
            name="memory of the heaviest page",
            value=largest.memory_mb - rest_mb,
            unit="MB",
            target=MEMORY_TARGET_MB,
            how=f"{largest.path}, {most}; highest above rest, a child with it",
        ),
        Figure(
            name="cycles all the while",
            value=cycles_hz,
            unit="/s",
            target=CYCLES_TARGET_HZ,
            better="higher",
            how="close and pages, with 54 heartbeats a second coming in",
        ),
    ]
