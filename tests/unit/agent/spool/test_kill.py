"""kill -9 at any instant: what was committed is there and whole, and the file opens."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from agent.spool.disk import SpoolDisk

ROOT = Path(__file__).parents[4]


def killed_after(directory: Path, first_id: int, random: Random) -> int:
    """Let a writer commit, kill it at a random instant, and return the last id that it said was committed."""
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.datapath.writer", str(directory), str(first_id)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert writer.stdout is not None
    last = first_id - 1
    for _ in range(random.randint(1, 12)):
        last = int(writer.stdout.readline())
    spins = random.randint(0, 20_000)
    while spins:
        spins -= 1
    os.kill(writer.pid, signal.SIGKILL)
    said = writer.stdout.read().split()
    writer.wait()
    writer.stdout.close()
    return int(said[-1]) if said else last


def committed_is_there(directory: Path, times: int, seed: int) -> None:
    random, first_id = Random(seed), 1
    for _ in range(times):
        last = killed_after(directory, first_id, random)
        disk = SpoolDisk(directory / "spool.db")
        expected = [n for n in range(first_id, last + 1) if n > last - 56]
        records, damaged = disk.read(expected)
        assert ([kept.id for kept in records], damaged) == (expected, []), f"seed {seed}"
        first_id = disk.last_id() + 1
        disk.close()


@pytest.mark.slow
def test_nothing_committed_is_lost_by_kill_9(tmp_path: Path) -> None:
    committed_is_there(tmp_path, times=4, seed=1)


@pytest.mark.soak
@pytest.mark.slow
def test_nothing_committed_is_lost_by_kill_9_at_a_thousand_instants(tmp_path: Path) -> None:
    committed_is_there(tmp_path, times=1000, seed=2)
