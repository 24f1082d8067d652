"""`passerelle bench year`: the fleet manager after twelve months of 1,615 gateways; at most 15 minutes.

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
from fleet.evidence.sketches import DETAILS_DAYS
from passerelle.benches.year import data, kept
from passerelle.benches.year.served import MOSQUITTO, Page, Served
from passerelle.figures import Figure

REST_S = 45
"""After a start, until memory is taken as being at rest."""
MEMORY_TARGET_MB = 400.0
TIME_TARGET_S = 20.0
DISK_TARGET_MB = 1_000.0
CYCLES_TARGET_HZ = 0.95
LISTED = 6
"""Tables that are named."""
SIZE = f"{data.GATEWAYS} gateways x {kept.MONTHS} months, {data.TROUBLES} outages a month"


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
            now_us = time.time_ns() // 1000
            served.lives, served.closed = data.fill(database, now_us)
            kept.fill_sketches(database, now_us)
            sizes = kept.sizes(database)
        filled_s = time.monotonic() - began
        with served:
            return [*_disk(sizes, filled_s), *_measured(served)]


def _disk(sizes: list[kept.Size], filled_s: float) -> list[Figure]:
    """Return what a month adds before anything is deleted, and what lies there after a year."""
    months = sorted(((one.month_bytes, one.table) for one in sizes), reverse=True)
    listed = ", ".join(f"{table} {bytes_ / 1e6:.0f}" for bytes_, table in months[:LISTED])
    whole = {one.table: one.bytes_ for one in sizes}
    return [
        Figure(
            name="disk a month",
            value=sum(bytes_ for bytes_, _ in months) / 1e6,
            unit="MB",
            target=DISK_TARGET_MB,
            how=f"each table's bytes by the months that it holds; {listed}",
        ),
        Figure(
            name="disk after a year",
            value=sum(whole.values()) / 1e6,
            unit="MB",
            target=None,
            how=f"{SIZE}; {whole['heard'] / 1e6:.0f} MB of it are the sketches of {DETAILS_DAYS} days,"
            f" kept whole; written in {filled_s:.0f} s",
        ),
    ]


def _measured(served: Served) -> list[Figure]:
    first_s = served.start()
    before = served.cycles()
    time.sleep(REST_S)
    rest_mb = served.memory_mb()
    closed_s, closed_mb = served.close_month()
    coverers_s, coverers_mb = served.coverers()
    pages = served.pages(served.closed)
    cycles_hz = served.cycles_since(before)
    again_s = served.restart()
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
            name="coverers of a month",
            value=coverers_s,
            unit="s",
            target=None,
            how=f"once a month, beside the engine; highest {coverers_mb - rest_mb:.0f} MB above rest",
        ),
        *_pages(pages, rest_mb),
        Figure(
            name="cycles all the while",
            value=cycles_hz,
            unit="/s",
            target=CYCLES_TARGET_HZ,
            better="higher",
            how="close and pages, with 54 heartbeats a second coming in",
        ),
    ]


def _pages(pages: list[Page], rest_mb: float) -> list[Figure]:
    slowest = max(pages, key=lambda page: page.took_s)
    largest = max(pages, key=lambda page: page.memory_mb)
    most = f"of {len(pages)} pages, files and answers of the API"
    return [
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
    ]
