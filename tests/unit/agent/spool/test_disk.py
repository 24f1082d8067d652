"""The spool's file: commits, bits, damage, quarantine."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.spool.disk import CONNECTORS_LIMIT, SpoolCorrupted, SpoolDisk, SpoolUnwritable
from agent.spool.repair import quarantine
from tests.datapath.virtual import record


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


@pytest.fixture
def disk(path: Path) -> Iterator[SpoolDisk]:
    opened = SpoolDisk(path)
    yield opened
    opened.close()


def test_a_record_leaves_when_every_connector_is_done(disk: SpoolDisk) -> None:
    disk.commit([(record(1), 0b11), (record(2), 0b01)], [])
    assert disk.records == 2
    disk.commit([], [(1, 0b01), (2, 0b01)])
    assert [entry[0] for entry in disk.waiting(after=0, count=10)] == [1]
    disk.commit([], [(1, 0b10)])
    assert (disk.records, disk.bytes) == (0, 0)


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


def test_places_come_in_pages(disk: SpoolDisk) -> None:
    disk.commit([(record(n), 1) for n in range(1, 6)], [])
    assert [entry[0] for entry in disk.waiting(after=0, count=3)] == [1, 2, 3]
    assert [entry[0] for entry in disk.waiting(after=3, count=3)] == [4, 5]
    assert disk.waiting(after=5, count=3) == []


def test_connectors_keep_their_bits_and_retired_ones_free_them(disk: SpoolDisk) -> None:
    assert (disk.bit_of("a"), disk.bit_of("b"), disk.bit_of("a")) == (0, 1, 0)
    disk.commit([(record(1), 0b01), (record(2), 0b11)], [])
    assert disk.retire(["b"]) == 1
    assert [entry[0] for entry in disk.waiting(after=0, count=9)] == [2]
    assert disk.bit_of("c") == 0


def test_names_of_connectors_are_limited(disk: SpoolDisk) -> None:
    for n in range(CONNECTORS_LIMIT):
        disk.bit_of(f"c{n}")
    with pytest.raises(SpoolUnwritable, match="32 names"):
        disk.bit_of("one-more")


def test_a_damaged_record_is_told_apart_from_a_whole_one(path: Path, disk: SpoolDisk) -> None:
    disk.commit([(record(1), 1), (record(2), 1)], [])
    with sqlite3.connect(path) as other:
        other.execute("UPDATE frame SET body = x'00' WHERE id = 1")
    other.close()
    assert disk.read([1, 2]) == ([record(2)], [1])
    assert [entry[0] is None for entry in disk.oldest(2)] == [True, False]


def test_removed_records_are_gone_whoever_waits(disk: SpoolDisk) -> None:
    disk.commit([(record(1), 0b11)], [])
    disk.remove([1, 99])
    assert (disk.records, disk.bytes) == (0, 0)


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
