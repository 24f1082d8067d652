"""docs/exploitation.md, executed as it stands on a Debian that boots: the first day of a fleet.

`make soak` follows every block of the page (test_whole_guide.py); here are those of the first day.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.booted import proxy, surroundings
from tests.booted.conftest import Machines
from tests.booted.machine import Machine
from tests.booted.page import GATEWAY, PAGE, SERVER, blocks
from tests.booted.surroundings import EUI

PASSWORD = "un-mot-de-passe-d-essai"
SERVES_LIMIT_S = 120.0
CURL = "curl --silent --show-error"
URL = "https://supervision.exemple.fr"


class FirstDay:
    """A server and a gateway, and the guide's blocks run on them."""

    def __init__(self, machines: Machines, packages: dict[str, Path], folder: Path) -> None:
        self.authority = authority = surroundings.Authority(folder / "authority")
        self.followed: set[str] = set()
        self.machines = machines
        self.folder = folder
        self.packages = packages
        self.server = self._known(machines.server(), authority)
        authority.certify(self.server)
        self.server.carry(packages["fleet"])
        self.gateway = self._known(machines.gateway(), authority)

    def _known(self, machine: Machine, authority: surroundings.Authority) -> Machine:
        surroundings.name_hosts(machine)
        authority.trusted_by(machine)
        return machine

    def follow(self, section: str) -> None:
        """Run what the page has an administrator run."""
        found = [block for block in blocks(PAGE.read_text("utf-8")) if block.section == section]
        assert found, f"no commands under « {section} »"
        self.followed.add(section)
        for block in found:
            script = block.script
            for there, here in surroundings.IN_PLACE_OF:
                script = script.replace(there, here)
            if block.machine == SERVER:
                self.server.run(script, stdin=f"{PASSWORD}\n")
            elif block.machine == GATEWAY:
                self.make_gateway(script)
            else:
                self.other(block.machine).run(script)

    def other(self, name: str) -> Machine:
        """Return another machine of the page."""
        raise LookupError(f"no machine « {name} » on the first day")

    def make_gateway(self, script: str) -> None:
        """Make a card as an installer does, put it into a gateway, power it."""
        order = self.folder / "ordre.json"
        order.write_bytes((self.server.root / "srv/passerelle/ordre.json").read_bytes())
        self.gateway.carry(self.packages["agent"])
        self.gateway.inside(script)
        surroundings.add_radio(self.gateway)
        self.gateway.boot(*self.machines.card(order).nodes, network_of=self.server)

    def log_in(self) -> str:
        """Return the headers of the answer to the login form; the session is kept."""
        form = f"--data-urlencode name=claire --data-urlencode password={PASSWORD}"
        return self.server.run(
            f"curl --silent --show-error --cookie-jar session --dump-header - {form} {URL}/connexion"
        )

    def gateway_now(self) -> dict[str, Any]:
        """Return what the supervision says of the gateway."""
        answer = self.server.run(f"{CURL} --cookie session {URL}/api/v1/gateways/{EUI}")
        return dict(json.loads(answer))


@pytest.fixture
def day(machines: Machines, packages: dict[str, Path], tmp_path: Path) -> Iterator[FirstDay]:
    made = FirstDay(machines, packages, tmp_path)
    yield made
    machines.end()


@pytest.mark.e2e
@pytest.mark.slow
def test_the_first_day_of_a_fleet(day: FirstDay) -> None:
    server = day.server
    server.boot()
    day.follow("Fonder")
    for unit in ("passerelle-fleet", "passerelle-broker"):
        main = server.run(f"systemctl show --property=MainPID --value {unit}").strip()
        assert server.run(f"stat --format=%U /proc/{main}").strip() == "passerelle-fleet"
    assert re.search(r"^set-cookie: .*; secure", day.log_in(), re.IGNORECASE | re.MULTILINE)
    proxy.check(server, "personne")

    surroundings.write_sheets(server, day.folder)
    day.follow("Remplir le registre")
    day.follow("Déployer une passerelle")
    gateway = day.gateway
    assert (
        gateway.run("stat --format=%G:%a $(readlink -f /dev/passerelle/settings)").strip() == "passerelle:660"
    )
    server.until("SERVING", lambda: day.gateway_now().get("state") == "SERVING", SERVES_LIMIT_S)
    assert "EN SERVICE" in gateway.run("passerelle agent status --state /var/lib/passerelle")

    day.follow("Révoquer une passerelle")
    assert f"deny vdl/1/{EUI}" in server.run("cat /var/lib/passerelle-fleet/mosquitto/acl")
