"""The units are accepted by systemd itself, and sandboxed as far as promised."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent.host.machine import RESTART_CODE
from agent.journal.ending import ENDED_FILE
from agent.run import ALREADY_RUNNING, FAILED, STOPPED, UNUSABLE
from agent.supervisor.watch import LOOK_EVERY_S
from hal.linux.gpio import WORKING_FOLDER
from tests.systemd_unit import SystemdUnit, needs_systemd

UNITS = Path(__file__).parents[3] / "firmware" / "units"
SERVICE = UNITS / "passerelle-agent.service"
EXPOSURE_LIMIT = 2.5
PI_WATCHDOG_LIMIT_S = 15
"""bcm2835_wdt.c: 20 bits of 1/65536 s."""
pytestmark = needs_systemd
UNIT = SystemdUnit(SERVICE)


setting = UNIT.setting


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    assert UNIT.complaints(tmp_path) == ""


def test_exposure_stays_within_the_promise() -> None:
    assert UNIT.exposure() <= EXPOSURE_LIMIT


def test_exit_codes_that_need_a_person_are_not_restarted() -> None:
    assert setting("RestartPreventExitStatus") == [f"{UNUSABLE} {ALREADY_RUNNING}"]
    assert setting("Restart") == ["always"]
    assert setting("Type") == ["notify"]


def test_the_watchdog_is_longer_than_what_feeds_it() -> None:
    assert int(setting("WatchdogSec")[0]) > 3 * LOOK_EVERY_S


def test_the_command_is_one_that_exists() -> None:
    (command,) = setting("ExecStart")
    options = subprocess.run(
        [sys.executable, "-m", "passerelle", *command.split()[1:3], "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert all(option in options for option in re.findall(r"--[a-z]+", command))


def test_what_systemd_says_of_the_end_reaches_the_next_start() -> None:
    (command,) = setting("ExecStopPost")
    (folder,) = setting("StateDirectory")
    assert command.endswith(f"> /var/lib/{folder}/{ENDED_FILE}'")
    assert all(f"${name}" in command for name in ("SERVICE_RESULT", "EXIT_CODE", "EXIT_STATUS"))


def test_every_exit_code_is_documented() -> None:
    told = (UNITS / "README.md").read_text()
    for code in (STOPPED, FAILED, UNUSABLE, ALREADY_RUNNING, RESTART_CODE):
        assert re.search(rf"^\| {code} \|", told, re.MULTILINE), f"{code} is not in the table"


def test_the_hardware_watchdog_is_within_what_a_raspberry_pi_counts() -> None:
    text = (UNITS / "10-passerelle-watchdog.conf").read_text()
    seconds = re.search(r"^RuntimeWatchdogSec=(\d+)s$", text, re.MULTILINE)
    assert seconds
    assert int(seconds[1]) <= PI_WATCHDOG_LIMIT_S


@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="apt-get install systemd")
def test_the_user_is_made_without_a_shell(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "group").write_text("dialout:x:20:\n")
    subprocess.run(
        ["systemd-sysusers", f"--root={tmp_path}", UNITS / "passerelle.sysusers"],
        check=True,
        capture_output=True,
    )
    (user,) = [
        line for line in (tmp_path / "etc" / "passwd").read_text().splitlines() if "passerelle" in line
    ]
    assert user.endswith("/var/lib/passerelle:/usr/sbin/nologin")
    groups = (tmp_path / "etc" / "group").read_text()
    assert all(re.search(rf"^{name}:.*passerelle", groups, re.MULTILINE) for name in ("spi", "gpio", "i2c"))


def test_the_polkit_rule_names_one_user_and_a_closed_list() -> None:
    text = (UNITS / "49-passerelle.rules").read_text()
    allowed = json.loads(re.search(r"var allowed = (\[.*?\]);", text, re.DOTALL)[1])  # type: ignore[index]
    assert len(allowed) == 4
    assert 'subject.user == "passerelle"' in text


def test_the_reset_lines_library_has_a_folder_for_its_pipe() -> None:
    (folder,) = setting("RuntimeDirectory")
    assert f"{WORKING_FOLDER}=/run/{folder}" in setting("Environment")


def test_the_settings_partition_is_named_after_udev_knows_its_type() -> None:
    (rules,) = [path for path in UNITS.glob("*.rules") if "ID_PART_ENTRY_TYPE" in path.read_text()]
    assert rules.name > "60-persistent-storage.rules", "that one asks blkid"
