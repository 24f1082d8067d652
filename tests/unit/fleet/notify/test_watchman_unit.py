"""The watchman's unit is accepted by systemd itself, sandboxed, never given up, and calls what exists."""

import re
import subprocess
import sys
from pathlib import Path

from fleet.notify.http import TIMEOUT_S
from fleet.notify.watchman import ASK_EVERY_US
from fleet.notify.watchman_process import UNSENT_LIMIT
from tests.systemd_unit import ROOT, SystemdUnit, needs_systemd

EXPOSURE_LIMIT = 2.0
UNIT = SystemdUnit(ROOT / "fleet" / "units" / "passerelle-watchman.service")
setting = UNIT.setting


@needs_systemd
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    assert UNIT.complaints(tmp_path) == ""


@needs_systemd
def test_exposure_stays_within_the_promise() -> None:
    assert UNIT.exposure() <= EXPOSURE_LIMIT


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
