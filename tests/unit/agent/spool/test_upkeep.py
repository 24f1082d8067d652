"""A damaged file: what is whole in it is saved by a process of its own, and nothing false is."""

import json
from pathlib import Path

import pytest

from agent.spool.disk import PAGE_BYTES, SpoolCorrupted, SpoolDisk
from agent.spool.files import QUARANTINED_FILES, quarantine, salvage
from agent.spool.upkeep import main, show
from agent.spool.upkeep import salvage as saved_from
from tests.datapath.virtual import record

FRAMES = 400


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


def filled(path: Path) -> None:
    """Write a spool of two connectors and close it."""
    disk = SpoolDisk(path)
    disk.adopt({"lns": 3, "other": 5})
    disk.reserve_ids(9_000)
    disk.commit([(record(n), 1 << 3 | (n % 2) << 5) for n in range(1, FRAMES + 1)], [])
    disk.close()


def leaves(path: Path) -> list[int]:
    """Return the places of the table's leaf pages that hold records."""
    content = path.read_bytes()
    pages = range(0, len(content), PAGE_BYTES)
    return [at for at in pages if content[at] == 0x0D and b"hello" in content[at : at + PAGE_BYTES]]


def damage(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def test_a_page_that_is_lost_costs_its_own_records_only(path: Path, tmp_path: Path) -> None:
    filled(path)
    pages = leaves(path)
    damage(path, pages[len(pages) // 2], bytes(PAGE_BYTES))
    with pytest.raises(SpoolCorrupted):
        SpoolDisk(path)
    fresh = tmp_path / "fresh.db"
    saved = saved_from(path, fresh)
    assert FRAMES - 20 <= saved < FRAMES
    disk = SpoolDisk(fresh)
    records, damaged = disk.read(range(1, FRAMES + 1))
    assert (len(records), damaged) == (saved, [])
    assert all(kept == record(kept.id) for kept in records)
    assert (disk.bit_of("lns"), disk.bit_of("other"), disk.last_id()) == (3, 5, 9_000)
    assert disk.waiting(after=0, count=2)[0][3] == (1 << 3 | 1 << 5)
    disk.close()


def test_a_record_whose_crc_fails_is_left_behind(path: Path, tmp_path: Path) -> None:
    filled(path)
    at = path.read_bytes().index(b"hello")
    damage(path, at, b"jello")
    assert saved_from(path, tmp_path / "fresh.db") == FRAMES - 1


@pytest.mark.parametrize("content", [b"", b"no database at all" * 400])
def test_a_file_that_is_no_spool_gives_an_empty_one(path: Path, tmp_path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert saved_from(path, tmp_path / "fresh.db") == 0
    SpoolDisk(tmp_path / "fresh.db").close()


@pytest.mark.slow
def test_what_cannot_be_saved_leaves_no_file_behind(path: Path) -> None:
    assert salvage(path.parent / "absent" / "spool.db") == 0
    assert list(path.parent.iterdir()) == []


def test_only_the_newest_damaged_files_are_kept(path: Path) -> None:
    for stamp in range(QUARANTINED_FILES + 2):
        path.write_bytes(b"damaged")
        path.with_name("spool.db-wal").write_bytes(b"log")
        quarantine(path, stamp)
    kept = sorted(file.name for file in path.parent.iterdir())
    last = range(2, QUARANTINED_FILES + 2)
    assert kept == sorted(f"spool.db.damaged-{n}{part}" for n in last for part in ("", "-wal"))


def test_support_sees_what_a_spool_holds(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filled(path)
    assert main(["show", str(path)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["records"], told["waiting"], told["check"]) == (FRAMES, {"lns": FRAMES, "other": 200}, "ok")
    assert show(path)["ids"] == {"first": 1, "last": FRAMES}
    assert main(["destroy", str(path)]) == 2
