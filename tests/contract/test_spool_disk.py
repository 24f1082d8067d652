"""A spool's file, by SQLite and in memory: one contract."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.spool.files import SpoolFiles
from agent.spool.ports import (
    CONNECTORS_LIMIT,
    Changed,
    Disk,
    Files,
    SpoolCollision,
    SpoolForeign,
    SpoolUnwritable,
)
from tests.datapath.virtual import record
from tests.datapath.virtual_spool import MemoryFiles

EUI, OTHER_EUI = "0016c001f12a3b4c", "0016c001ffffffff"


@pytest.fixture(params=["sqlite", "memory"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    return SpoolFiles(tmp_path, EUI) if request.param == "sqlite" else MemoryFiles(EUI)


@pytest.fixture
def disk(files: Files) -> Iterator[Disk]:
    opened = files.open()
    yield opened
    opened.close()


def ids(disk: Disk) -> list[int]:
    return [entry[0] for entry in disk.waiting(after=0, count=100)]


def test_a_record_leaves_when_every_connector_is_done(disk: Disk) -> None:
    assert disk.commit([(record(1), 0b11), (record(2), 0b01)], []) == Changed(
        written=2, cleared=(), deleted=0, unknown=0
    )
    changed = disk.commit([], [(1, 0b01), (2, 0b11), (9, 1)])
    assert changed == Changed(written=0, cleared=((1, 0b01), (2, 0b01)), deleted=1, unknown=1)
    assert (ids(disk), disk.records) == ([1], 1)
    disk.commit([], [(1, 0b10)])
    assert (disk.records, disk.bytes) == (0, 0)


def test_what_was_committed_is_there_after_reopening(files: Files) -> None:
    first = files.open()
    assert first.bit_of("lns") == 0
    first.commit([(record(n), 1) for n in range(1, 4)], [])
    first.reserve_ids(500)
    first.reserve_ids(400)
    first.close()
    again = files.open()
    assert (again.records, again.last_id(), again.bit_of("other"), again.bit_of("lns")) == (3, 500, 1, 0)
    assert again.read([1, 2, 3, 4]) == ([record(1), record(2), record(3)], [])
    again.close()


def test_an_id_that_is_there_takes_nothing_of_its_transaction(disk: Disk) -> None:
    disk.commit([(record(2), 1)], [])
    with pytest.raises(SpoolCollision):
        disk.commit([(record(1), 1), (record(2), 1)], [(2, 1)])
    assert (ids(disk), disk.records) == ([2], 1)
    disk.commit([(record(3), 1)], [])
    assert ids(disk) == [2, 3]


def test_entries_come_in_pages_and_the_oldest_first(disk: Disk) -> None:
    disk.commit([(record(n), 1) for n in (4, 1, 3)], [])
    assert [entry[0] for entry in disk.waiting(after=1, count=1)] == [3]
    assert [entry[1] for entry in disk.oldest(2)] == [1, 3]
    assert disk.remove([1, 99]) == ((1, 1),)
    assert ids(disk) == [3, 4]


def test_retired_connectors_free_their_bits_and_take_their_frames(disk: Disk) -> None:
    assert [disk.bit_of(name) for name in ("a", "b", "a")] == [0, 1, 0]
    disk.commit([(record(1), 0b01), (record(2), 0b11)], [])
    assert (disk.retire(["b"]), ids(disk)) == (1, [2])
    assert disk.bit_of("c") == 0


def test_names_of_connectors_are_limited(disk: Disk) -> None:
    for number in range(CONNECTORS_LIMIT):
        disk.bit_of(f"c{number}")
    with pytest.raises(SpoolUnwritable, match="32 names"):
        disk.bit_of("another")


def test_a_file_of_another_gateway_is_kept_whole_and_a_new_one_begun(files: Files, tmp_path: Path) -> None:
    theirs: Files = SpoolFiles(tmp_path, OTHER_EUI)
    if isinstance(files, MemoryFiles):
        theirs = MemoryFiles(OTHER_EUI)
    disk = theirs.open()
    disk.commit([(record(1), 1)], [])
    disk.close()
    if isinstance(files, MemoryFiles) and isinstance(theirs, MemoryFiles):
        files.content = theirs.content
    with pytest.raises(SpoolForeign) as refused:
        files.open()
    assert refused.value.owner == OTHER_EUI
    assert files.set_aside(OTHER_EUI, 7) == f"spool.db.foreign-{OTHER_EUI}-7"
    disk = files.open()
    assert disk.records == 0
    disk.close()


def test_mending_a_whole_file_keeps_all_of_it(files: Files) -> None:
    disk = files.open()
    disk.reserve_ids(50)
    disk.bit_of("lns")
    disk.commit([(record(n), 1) for n in (1, 2)], [])
    disk.close()
    if isinstance(files, MemoryFiles):
        files.lost_by_damage = 0
    mended = files.mend(17)
    assert (mended.aside, mended.saved) == ("spool.db.damaged-17", 2)
    disk = files.open()
    assert (ids(disk), disk.last_id(), disk.bit_of("lns")) == ([1, 2], 50, 0)
    disk.close()
