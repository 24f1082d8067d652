"""The fleet manager's unit is accepted by systemd itself, sandboxed, and outlasts our own watchdog."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.serve import STOP_HARD_S
from fleet.watchdog import HUNG_AFTER_S, START_LIMIT_S

SERVICE = Path(__file__).parents[3] / "fleet" / "units" / "passerelle-fleet.service"
EXPOSURE_LIMIT = 2.5
systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="apt-get install systemd to check fleet/units"
)


def seconds(name: str) -> int:
    (value,) = re.findall(rf"^{name}=(\d+)$", SERVICE.read_text(), re.MULTILINE)
    return int(value)


@systemd
@pytest.mark.slow
@pytest.mark.parametrize("words", [("verify", "--man=no"), ("security", "--offline=yes", "--no-pager")])
def test_systemd_accepts_it(words, tmp_path):
    text = SERVICE.read_text().replace("/opt/passerelle/bin/passerelle", sys.executable)
    (tmp_path / SERVICE.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", *words, tmp_path / SERVICE.name], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    for level in re.findall(r"exposure level for .*: ([0-9.]+)", done.stdout):
        assert float(level) <= EXPOSURE_LIMIT


def test_its_patience_is_longer_than_ours():
    assert seconds("WatchdogSec") > HUNG_AFTER_S
    assert seconds("TimeoutStartSec") >= START_LIMIT_S
    assert seconds("TimeoutStopSec") > STOP_HARD_S
