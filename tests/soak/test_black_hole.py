"""A backhaul that swallows every packet without a word: for real, in a network namespace."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.soak
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a network namespace (unshare --net)")
@pytest.mark.skipif(shutil.which("ip") is None, reason="needs iproute2 on PATH")
def test_a_black_hole_loses_no_frame(tmp_path: Path) -> None:
    command = ["unshare", "--net", sys.executable, "-m", "tests.soak.black_hole", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    print(f"\ntrou noir vers la flotte : vu par le courtier en {told['noticed_s']:.0f} s,"
          f" lien revenu en {told['back_s']:.1f} s, trames perdues {told['lost']}")  # fmt: skip
    assert told["lost"] == 0
