"""kill -9 at any instant of a process with the spool: nothing committed is lost, little is sent twice."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent.spool.group import COMMIT_FRAMES

ROOT = Path(__file__).parents[4]
LANES = 4
SOAK_KILLS = 1000


def killed(directory: Path, kills: int, seed: int) -> dict[str, object]:
    """Return what became of every frame of one gateway that was killed that often."""
    directory.mkdir()
    command = [sys.executable, "-m", "tests.datapath.killed", str(directory), str(kills), str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report: dict[str, object] = json.loads(done.stdout)
    return report


def judged(report: dict[str, object]) -> None:
    assert report["wrong"] == [], report
    assert (report["lost"], report["left"]) == (0, 0), report
    assert isinstance(report["twice_most"], int)
    assert report["twice_most"] <= COMMIT_FRAMES, report


@pytest.mark.slow
def test_nothing_committed_is_lost_by_kill_9(tmp_path: Path) -> None:
    report = killed(tmp_path / "spool", kills=6, seed=1)
    judged(report)
    assert report["committed"]


@pytest.mark.soak
@pytest.mark.slow
def test_nothing_committed_is_lost_by_kill_9_at_a_thousand_instants(tmp_path: Path) -> None:
    lanes = range(LANES)
    with ThreadPoolExecutor(LANES) as pool:
        reports = list(
            pool.map(lambda lane: killed(tmp_path / f"lane{lane}", SOAK_KILLS // LANES, 2 + lane), lanes)
        )
    for report in reports:
        judged(report)
    total = {
        name: sum(int(str(report[name])) for report in reports) for name in ("kills", "committed", "lost")
    }
    most = max(int(str(report["twice_most"])) for report in reports)
    print(f"kill -9: {total}, delivered twice after one kill at most {most}")
