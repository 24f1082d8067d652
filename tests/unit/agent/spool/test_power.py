"""Power that fails at any instant: the file opens, and what was committed is there and whole."""

import shutil
from pathlib import Path
from random import Random

import pytest

from agent.spool.disk import SpoolDisk
from agent.spool.files import FILE_NAME
from tests.datapath.power import Call, ForgetfulDisk, recorded
from tests.datapath.virtual import record
from tests.datapath.writer import kept

COMMITS = 900
"""More than one check-point of the WAL."""
CUTS = 1500
WAL_HEAD_BYTES = 32
STDOUT = 1


def test_a_log_torn_at_any_byte_opens_with_the_commits_before_the_tear(tmp_path: Path) -> None:
    running, random = tmp_path / "running", Random(3)
    running.mkdir()
    disk = SpoolDisk(running / FILE_NAME)
    wal = running / f"{FILE_NAME}-wal"
    sizes = []
    for number in range(1, 9):
        disk.commit([(record(number), 1)], [])
        sizes.append(wal.stat().st_size)
    content, database = wal.read_bytes(), (running / FILE_NAME).read_bytes()
    disk.close()
    tears = [WAL_HEAD_BYTES, *sizes, *(size - 1 for size in sizes)]
    tears += [random.randrange(len(content)) for _ in range(40)]
    for at in tears:
        torn = tmp_path / "torn"
        torn.mkdir()
        (torn / FILE_NAME).write_bytes(database)
        (torn / f"{FILE_NAME}-wal").write_bytes(content[:at] + random.randbytes(random.randrange(64)))
        whole = sum(size <= at for size in sizes)
        again = SpoolDisk(torn / FILE_NAME)
        assert again.read(range(1, 9)) == ([record(n) for n in range(1, whole + 1)], []), f"torn at {at}"
        again.close()
        shutil.rmtree(torn)


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_power_may_fail_at_any_call_and_any_unsynchronised_sector_may_be_missing(tmp_path: Path) -> None:
    folder, after = tmp_path / "running", tmp_path / "after"
    folder.mkdir()
    calls = recorded(["tests.datapath.writer", str(folder), "1", str(COMMITS)], tmp_path / "trace")
    random, disk = Random(4), ForgetfulDisk(folder)
    instants = set(random.sample(range(len(calls)), min(CUTS, len(calls))))
    last = checked = 0
    for number, call in enumerate(calls):
        disk.take(call)
        last = committed_id(call) or last
        if number in instants:
            disk.cut(after, random)
            whole(after, last, number)
            checked += 1
    print(f"power cut at {checked} of {len(calls)} calls, {last} frames committed: 0 lost")
    assert last == COMMITS * 8


def committed_id(call: Call) -> int:
    """Return the id that the writer says is committed."""
    return int(call.content) if call.name == "write" and call.descriptor == STDOUT else 0


def whole(folder: Path, last: int, number: int) -> None:
    """Assert that all that was said to be committed is there; the commit that ran may be there or not."""
    disk = SpoolDisk(folder / FILE_NAME)
    there = {entry[0] for entry in disk.waiting(after=0, count=1 << 20)}
    assert set(kept(last)) & set(kept(last + 8)) <= there <= set(kept(last)) | set(kept(last + 8)), number
    _, damaged = disk.read(sorted(there)[-500:])
    assert damaged == [], number
    disk.close()
