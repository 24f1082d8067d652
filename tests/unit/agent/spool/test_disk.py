"""The spool's file by SQLite: damage, quarantine, disks that take nothing; the rest is its contract."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.spool.disk import SpoolCorrupted, SpoolDisk, SpoolUnwritable
from agent.spool.files import SpoolFiles, quarantine, salvage
from tests.datapath.virtual import record

EUI = "0016c001f12a3b4c"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


@pytest.fixture
def disk(path: Path) -> Iterator[SpoolDisk]:
    opened = SpoolDisk(path)
    yield opened
    opened.close()


def test_what_was_committed_is_there_after_reopening(path: Path) -> None:
    first = SpoolDisk(path)
    first.commit([(record(n), 1) for n in range(1, 4)], [])
    first.reserve_ids(500)
    size = (first.records, first.bytes)
    first.close()
    again = SpoolDisk(path)
    assert (again.records, again.bytes) == size
    assert again.read([1, 2, 3]) == ([record(1), record(2), record(3)], [])
    assert again.last_id() == 500
    again.close()


def test_a_damaged_record_is_told_apart_from_a_whole_one(path: Path, disk: SpoolDisk) -> None:
    disk.commit([(record(1), 1), (record(2), 1)], [])
    with sqlite3.connect(path) as other:
        other.execute("UPDATE frame SET body = x'00' WHERE id = 1")
    other.close()
    assert disk.read([1, 2]) == ([record(2)], [1])
    assert [entry[0] is None for entry in disk.oldest(2)] == [True, False]


@pytest.mark.parametrize(
    "content", [b"this is no database, but it is long enough" * 40, b"SQLite format 3\0" + bytes(4080)]
)
def test_a_file_that_is_no_spool_is_refused_and_moved_aside(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(SpoolCorrupted):
        SpoolDisk(path)
    aside = quarantine(path, 17)
    assert aside.read_bytes() == content
    assert not path.exists()
    SpoolDisk(path).close()


def test_a_spool_of_a_newer_agent_is_not_touched(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(SpoolCorrupted, match="version 99"):
        SpoolDisk(path)


def test_a_folder_that_is_not_there_is_unwritable(tmp_path: Path) -> None:
    with pytest.raises(SpoolUnwritable):
        SpoolDisk(tmp_path / "absent" / "spool.db")


def test_a_full_disk_is_unwritable_and_loses_nothing_committed(path: Path, disk: SpoolDisk) -> None:
    disk.commit([(record(1), 1)], [])
    pages = disk.limit_pages(1)
    assert pages > 1
    with pytest.raises(SpoolUnwritable, match="no space left"):
        disk.commit([(record(n), 1) for n in range(2, 200)], [])
    assert disk.read([1]) == ([record(1)], [])
    disk.limit_pages(1 << 20)
    disk.commit([(record(2), 1)], [])
    assert disk.records == 2


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, which can be made read-only."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a file system")
    folder = tmp_path / "card"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("killed", [False, True], ids=["closed", "killed"])
def test_a_read_only_disk_gives_what_it_holds_and_takes_nothing(
    card: Path, tmp_path: Path, killed: bool
) -> None:
    path = card / "spool.db"
    first = SpoolDisk(path, owner=EUI)
    first.commit([(record(1), 1)], [])
    shutil.copytree(card, tmp_path / "killed")
    first.close()
    if killed:
        shutil.copytree(tmp_path / "killed", card, dirs_exist_ok=True)
    subprocess.run(["mount", "-o", "remount,ro", str(card)], check=True)
    disk = SpoolDisk(path, owner=EUI)
    assert (disk.read_only, disk.read([1])) == (True, ([record(1)], []))
    with pytest.raises(SpoolUnwritable):
        disk.commit([(record(2), 1)], [])
    disk.close()
    subprocess.run(["mount", "-o", "remount,rw", str(card)], check=True)
    again = SpoolDisk(path, owner=EUI)
    again.commit([(record(2), 1)], [])
    assert (again.read_only, again.records) == (False, 2)
    again.close()


def test_a_repair_without_room_changes_nothing_and_is_done_later(card: Path) -> None:
    path = card / "spool.db"
    disk = SpoolDisk(path, owner=EUI)
    disk.commit([(record(n), 1) for n in range(1, 200)], [])
    disk.close()
    filler = card / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    files = SpoolFiles(card, EUI)
    with pytest.raises(SpoolUnwritable):
        files.mend(17)
    assert list(card.glob("spool.db.*")) == []
    filler.unlink()
    assert files.mend(17).saved == 199


def test_a_kill_between_the_two_renames_of_a_repair_loses_nothing(path: Path) -> None:
    disk = SpoolDisk(path, owner=EUI)
    disk.commit([(record(1), 1)], [])
    disk.close()
    assert salvage(path) == 1
    quarantine(path, 17)
    path.with_name("spool.db-wal").write_bytes(b"the log of the damaged file")
    again = SpoolFiles(path.parent, EUI).open()
    assert again.records == 1
    again.close()


def test_a_file_without_an_owner_becomes_ours_and_keeps_what_it_holds(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.executescript(
            "CREATE TABLE frame (id INTEGER PRIMARY KEY, address INTEGER NOT NULL, kind INTEGER NOT NULL,"
            " waiting INTEGER NOT NULL, crc INTEGER NOT NULL, body BLOB NOT NULL);"
            "CREATE TABLE connector (bit INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
            "CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);"
            "INSERT INTO frame VALUES (7, 1, 0, 1, 0, x'00'); PRAGMA user_version = 1;"
        )
    other.close()
    disk = SpoolDisk(path, owner=EUI)
    assert (disk.records, disk.owner()) == (1, EUI)
    disk.close()
