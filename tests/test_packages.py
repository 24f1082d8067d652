"""Debian packages: what they are made of, before anything boots them (tests/booted does)."""

import subprocess
from pathlib import Path

import pytest

from packages import scripts
from packages.closure import closure, locked
from packages.environment import MACHINES
from packages.roles import ROLES, Role
from tests.systemd_unit import SystemdUnit, needs_systemd

ROOT = Path(__file__).parents[1]
EXPOSURE_LIMIT = 2.0
FLEET_UNITS = ROOT / "fleet" / "units"


@pytest.mark.parametrize("role", ROLES.values(), ids=ROLES)
def test_every_file_of_a_package_exists(role: Role) -> None:
    assert [source for source, _ in role.files if not (ROOT / source).is_file()] == []
    shipped = {Path(source).name for source, _ in role.files}
    assert set(role.units) <= shipped


@pytest.mark.parametrize("role", ROLES.values(), ids=ROLES)
@pytest.mark.parametrize("name", ["postinst", "prerm", "postrm"])
def test_maintainer_scripts_are_scripts(role: Role, name: str) -> None:
    text = getattr(scripts, name)(role)
    done = subprocess.run(["sh", "-n"], input=text, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("purge" in text) == (name == "postrm")


def test_a_package_is_for_the_python_of_its_release_and_alone() -> None:
    text = scripts.control(
        ROLES["agent"], version="1~deb13", architecture="arm64", python="3.13", installed_kib=1
    )
    assert "Depends: python3 (>= 3.13), python3 (<< 3.14), systemd" in text
    assert "Conflicts: passerelle\n" in text


@pytest.mark.parametrize("machine", MACHINES.values())
def test_the_lock_pins_all_that_a_gateway_s_package_brings(machine: str) -> None:
    names = closure(["httpx", "paho-mqtt"], machine)
    lines = locked((ROOT / "requirements.lock").read_text(), names)
    pinned = {line.partition("==")[0] for line in lines.splitlines() if "==" in line}
    assert pinned == names
    assert lines.count("--hash=sha256:") >= len(names)


@needs_systemd
@pytest.mark.parametrize("name", ["passerelle-broker", "passerelle-fleet"])
def test_systemd_accepts_the_units_of_the_server(name: str, tmp_path: Path) -> None:
    unit = SystemdUnit(FLEET_UNITS / f"{name}.service")
    assert unit.complaints(tmp_path) == ""
    assert unit.exposure() <= EXPOSURE_LIMIT
    assert unit.setting("User") == ["passerelle-fleet"]


@pytest.mark.parametrize("name", ["passerelle-fleet", "passerelle-watchman"])
def test_whoever_sends_sms_by_modem_may_write_its_queue(name: str) -> None:
    unit = SystemdUnit(FLEET_UNITS / f"{name}.service")
    assert unit.setting("SupplementaryGroups") == ["gammu"]
    assert unit.setting("ReadWritePaths") == ["-/var/spool/gammu"]
    assert "g gammu -" in (FLEET_UNITS / "passerelle-fleet.sysusers").read_text()
