"""Each package in a bare chroot of each Debian: installed, upgraded, downgraded; a purge leaves nothing."""

from pathlib import Path

import pytest

from packages.build import PYTHONS
from tests.booted.conftest import Machines, build_tree
from tests.booted.machine import Machine

pytestmark = [pytest.mark.soak]
COMMANDS = {"agent": "agent", "fleet": "fleet", "installer": "provision"}


@pytest.mark.parametrize("release", PYTHONS)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_package_comes_and_goes(name: str, release: str, machines: Machines, tmp_path: Path) -> None:
    machine = machines.server(release) if name == "fleet" else machines.gateway(release)
    older = build_tree(name, tmp_path, version="0.0.8", release=release)
    newer = build_tree(name, tmp_path, version="0.0.9", release=release)
    machine.carry(older, newer)
    before = _files(machine)
    for package in (older, newer, older):
        machine.inside(f"apt-get install --yes --allow-downgrades ./{package.name}")
        assert "usage" in machine.inside(f"passerelle {COMMANDS[name]} --help").lower()
    python = machine.inside("/opt/passerelle/bin/python3 --version").split()[1]
    assert python.startswith(f"{PYTHONS[release]}.")
    machine.inside(f"apt-get purge --yes passerelle-{name}")
    assert _files(machine) == before
    assert "passerelle" not in machine.inside("cat /etc/passwd /etc/group | grep -v '^dialout' || true")


def _files(machine: Machine) -> set[str]:
    """Return every file that is ours by its name or folder."""
    return set(
        machine.inside(
            "find / -xdev \\( -ipath '*passerelle*' -o -path '/opt' -o -path '/opt/*' \\)"
            " -not -path '/root/*' -not -path '/proc/*' -not -path '/var/lib/dpkg/*' || true"
        ).splitlines()
    )
