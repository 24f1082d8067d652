"""The units are accepted by systemd itself, and sandboxed as far as promised."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent.run import ALREADY_RUNNING, UNUSABLE
from agent.supervisor.watch import LOOK_EVERY_S

UNITS = Path(__file__).parents[3] / "firmware" / "units"
SERVICE = UNITS / "passerelle-agent.service"
EXPOSURE_LIMIT = 2.5
pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None,
    reason="systemd-analyze is not on PATH: apt-get install systemd to check firmware/units",
)


def setting(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", SERVICE.read_text(), re.MULTILINE)


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


def test_the_polkit_rule_names_one_user_and_a_closed_list() -> None:
    text = (UNITS / "49-passerelle.rules").read_text()
    allowed = json.loads(re.search(r"var allowed = (\[.*?\]);", text, re.DOTALL)[1])  # type: ignore[index]
    assert len(allowed) == 4
    assert 'subject.user == "passerelle"' in text
