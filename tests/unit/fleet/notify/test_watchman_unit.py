"""The watchman's unit is accepted by systemd itself, sandboxed, never given up, and calls what exists."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.notify.http import TIMEOUT_S
from fleet.notify.watchman import ASK_EVERY_US
from fleet.notify.watchman_process import UNSENT_LIMIT

ROOT = Path(__file__).parents[4]
SERVICE = ROOT / "fleet" / "units" / "passerelle-watchman.service"
EXPOSURE_LIMIT = 2.0
systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="apt-get install systemd to check fleet/units"
)


def setting(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", SERVICE.read_text(), re.MULTILINE)


@systemd
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    text = SERVICE.read_text().replace("/opt/passerelle/bin/passerelle", sys.executable)
    (tmp_path / SERVICE.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / SERVICE.name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@systemd
def test_exposure_stays_within_the_promise() -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", SERVICE],
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"exposure level for .*: ([0-9.]+)", done.stdout)
    assert found
    assert float(found[1]) <= EXPOSURE_LIMIT


def test_it_is_started_again_for_ever() -> None:
    assert setting("Restart") == ["always"]
    assert setting("StartLimitIntervalSec") == ["0"]


def test_the_watchdog_outlasts_a_round_in_which_every_page_waits_for_its_time_out() -> None:
    assert int(setting("WatchdogSec")[0]) > ASK_EVERY_US / 1e6 + (UNSENT_LIMIT + 1) * 2 * TIMEOUT_S


def test_the_command_and_its_environment_are_the_ones_in_the_manual() -> None:
    (command,) = setting("ExecStart")
    options = subprocess.run(
        [sys.executable, "-m", "passerelle", *command.split()[1:3], "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert all(option in options for option in re.findall(r"--[a-z]+", command))
    manual = (ROOT / "docs" / "exploitation.md").read_text()
    for name in ("PASSERELLE_WATCHMAN_URL", "PASSERELLE_WATCHMAN_SMS", "PASSERELLE_WATCHMAN_PHONES"):
        assert name in manual
