"""A real fleet manager whose host's clock steps under it: cycles go on, health says so, steps are stored.

libfaketime steps the wall clock of the process alone; its monotonic clock is the machine's.

Sources: libfaketime 0.9.10 answers EINVAL to ``clock_nanosleep`` with an absolute monotonic instant, which is
what ``time.sleep`` of Python 3.11 asks for; the process sleeps by ``select`` instead.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.db.connect import Database, sqlite_url
from fleet.evidence.clock_events import newest_events
from fleet.evidence.timekeeping import ClockQuality
from tests.contract.fleet_process import MOSQUITTO, FleetProcess, Served, until

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed: apt-get install mosquitto"),
    pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not installed: apt-get install faketime"),
]
HOUR_S, YEAR_S = 3_600, 365 * 86_400
CYCLES = 3
READS_EVERY_S = 1
SLEEP_BY_SELECT = """\
import select, time
time.sleep = lambda seconds: (select.select([], [], [], seconds), None)[1]
"""


class HostClock:
    """The wall clock of one process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.set(0)
        (folder / "sitecustomize.py").write_text(SLEEP_BY_SELECT)

    def set(self, seconds: int) -> None:
        """Let the clock be off by this from now on."""
        beside = self.folder / "offset.new"
        beside.write_text(f"{seconds:+d}\n")
        beside.replace(self.folder / "offset")

    def environment(self) -> dict[str, str]:
        """Return what makes a process live by this clock."""
        return {
            "PYTHONPATH": os.pathsep.join([str(self.folder), os.environ.get("PYTHONPATH", "")]),
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self.folder / "offset"),
            "FAKETIME_CACHE_DURATION": str(READS_EVERY_S),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[FleetProcess]:
    found = FleetProcess(tmp_path)
    found.start_broker()
    yield found
    found.end()


def cycles_go_on(served: Served) -> None:
    """Fail unless cycles go on and all is well."""
    began = served.until_well()["cycles"]
    until(f"cycles after {began}", lambda: served.until_well()["cycles"] >= began + CYCLES, 30)


@pytest.mark.parametrize("years", [-56, 74])
def test_no_fleet_is_founded_by_a_clock_of_1970_or_2100(tmp_path: Path, years: int) -> None:
    host = HostClock(tmp_path)
    host.set(years * YEAR_S)
    command = [sys.executable, "-m", "passerelle", "fleet", "init", "--data", str(tmp_path / "fleet")]
    ended = subprocess.run(
        command, env=os.environ | host.environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 2
    assert "timedatectl" in ended.stderr
    assert not (tmp_path / "fleet").exists()


def test_cycles_go_on_whatever_the_host_clock_does(fleet: FleetProcess, tmp_path: Path) -> None:
    host = HostClock(tmp_path)
    served = fleet.serve(**host.environment())
    cycles_go_on(served)
    before = served.health()
    for seconds in (-HOUR_S, 2 * HOUR_S, -56 * YEAR_S, 74 * YEAR_S, -3):
        host.set(seconds)
        difference_us = until(
            f"a step of {seconds} s is noticed",
            lambda seconds=seconds: _near(served.health().get("clock_difference_us"), seconds),
            20,
        )
        assert difference_us
        cycles_go_on(served)
        health = served.health()
        assert health["clock"] == ClockQuality.DOUBTED
        assert 0 <= health["last_cycle_age_us"] < 10_000_000
        assert 0 <= health["last_cycle_at_us"] - before["last_cycle_at_us"] < 120_000_000
    host.set(0)
    until("the host is right again", lambda: served.health().get("clock") == ClockQuality.HOST, 20)
    database = Database(sqlite_url(fleet.data / "fleet.db"))
    with database.read() as connection:
        qualities = [event.quality for event in reversed(newest_events(connection))]
    database.close()
    assert qualities == [ClockQuality.HOST, ClockQuality.DOUBTED, ClockQuality.HOST]


def _near(difference_us: int | None, seconds: int) -> bool:
    return difference_us is not None and abs(difference_us - seconds * 1_000_000) < 1_000_000
