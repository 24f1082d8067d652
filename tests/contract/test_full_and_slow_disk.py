"""A full disk and a slow one under the fleet manager itself: named, survived, and nothing is lost.

`passerelle fleet serve`, Mosquitto and a file system of their own are real.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import msgspec
import pytest

from fleet.broker.mosquitto import let_one_speak_for_many
from fleet.db.connect import Database, sqlite_url
from fleet.registry import document
from fleet.registry import store as registry
from tests.contract.fleet_process import FleetProcess, Served, until
from tests.contract.test_power_up import Load, page, settled
from tests.unit.fleet.founded import DOCUMENT, NOW_US

pytestmark = [pytest.mark.soak]
DISK_BYTES = 32 << 20
SLOW_US = 2_000_000
"""A disk that is worn, or that everybody writes to."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a file system")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def fleet(disk: Path, tmp_path: Path) -> Iterator[FleetProcess]:
    made = FleetProcess(disk, logs=tmp_path)
    let_one_speak_for_many(made.data / "mosquitto" / "mosquitto.conf")
    yield made
    made.end()


def fill(folder: Path) -> None:
    """Write until nothing more fits."""
    with (folder / "ballast").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


def empty(folder: Path) -> None:
    (folder / "ballast").unlink()


def is_full(served: Served) -> bool:
    wrong = served.health().get("wrong", ())
    return any("disk is full" in one for one in wrong)


@pytest.fixture
def database(fleet: FleetProcess) -> Iterator[Database]:
    with closing(Database(sqlite_url(fleet.data / "fleet.db"))) as opened:
        with opened.write() as connection:
            read = document.read_document(msgspec.json.encode(DOCUMENT), registry.known_keys(connection))
            registry.apply_document(connection, read, who="test", now_us=NOW_US)
        yield opened


def test_a_full_disk_is_named_and_what_came_meanwhile_is_stored_once_there_is_room(
    fleet: FleetProcess, disk: Path, database: Database
) -> None:
    fleet.start_broker()
    served = fleet.serve()
    served.until_well()
    load = Load(fleet)
    until("records come in", lambda: settled(database)[0] > 20)
    fill(disk)
    until("health names it", lambda: is_full(served))
    assert served.health()["ok"] is False
    status, text, _ = page(served)
    assert status == 200
    assert 'id="freshness"' in text, "the page says how old what it shows is"
    empty(disk)
    served.until_well()
    sent = load.stop()
    until("every record", lambda: settled(database) == (sent, sent))
    assert served.process.poll() is None


def test_a_start_on_a_full_disk_waits_for_room_though_its_log_cannot_be_written_either(
    fleet: FleetProcess, disk: Path, database: Database
) -> None:
    fleet.start_broker()
    fleet.logs = disk
    fill(disk)
    served = fleet.serve()
    health = dict(until("waits", lambda: is_full(served) and served.health()))
    assert health["waits_for"] == "database"
    assert page(served)[0] == 503
    assert served.log == ""
    empty(disk)
    served.until_well()
    assert "log_unwritable" in served.log
    load = Load(fleet)
    until("records come in", lambda: settled(database)[0] > 20)
    fill(disk)
    until("health names it", lambda: is_full(served))
    served.process.send_signal(signal.SIGKILL)
    served.process.wait()
    second = fleet.serve()
    until("waits", lambda: is_full(second))
    empty(disk)
    second.until_well()
    sent = load.stop()
    until("every record", lambda: settled(database) == (sent, sent))


@contextmanager
def slow_disk(served: Served) -> Iterator[None]:
    """Let each fsync of a process take ``SLOW_US``, by the kernel's own tracing of system calls."""
    delay = f"inject=fsync,fdatasync:delay_exit={SLOW_US}"
    command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", delay]
    tracer = subprocess.Popen([*command, "-p", str(served.process.pid)])
    try:
        yield
    finally:
        tracer.terminate()
        tracer.wait(20)


def test_a_slow_disk_is_named_and_nothing_is_lost(fleet: FleetProcess, database: Database) -> None:
    fleet.start_broker()
    served = fleet.serve()
    served.until_well()
    load = Load(fleet)
    until("records come in", lambda: settled(database)[0] > 20)
    with slow_disk(served):
        until(
            "health names it", lambda: any("disk is slow" in one for one in served.health().get("wrong", ()))
        )
        stored = settled(database)[0]
        until("records come in all the same", lambda: settled(database)[0] > stored)
    served.until_well()
    sent = load.stop()
    until("every record", lambda: settled(database) == (sent, sent))
