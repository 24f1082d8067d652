"""Every block of docs/exploitation.md on machines that boot, and what it promises; upgrades.

server ── gateway (virtual concentrator, LNS)      one network, shared
       └─ watchman's machine
bare machine for the restore                       a network of its own
"""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from packages.build import ROOT
from tests.booted import proxy, surroundings
from tests.booted.conftest import Machines, build_tree
from tests.booted.machine import Machine
from tests.booted.page import PAGE, WATCHMAN, blocks
from tests.booted.surroundings import DATA, EUI
from tests.booted.test_guide import PASSWORD, SERVES_LIMIT_S, FirstDay

pytestmark = [pytest.mark.soak]
PREVIOUS_COMMIT = "c497f68"
"""The newest of 2026-11-22, before there were packages; today's recipe makes its package."""
MAIL = """From: mairie@exemple.fr
To: pannes+37015@exemple.fr
Subject: compteurs muets
Date: Mon, 30 Nov 2026 09:00:00 +0100
Message-ID: <essai@exemple.fr>

Plus aucun compteur ne remonte depuis ce matin.
"""
ENTERED_MAILS = (
    "cd /; runuser -u postgres -- psql --tuples-only --no-align passerelle"
    " --command 'select count(*) from report_mails where entered_at_us is not null'"
)
CONFIRMED_LIMIT_S = 120.0
PAGED_LIMIT_S = 300.0
"""Silent for 90 s, an incident, a ticket, a page."""
MORNING = """[Service]
Environment=LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1
Environment=DONT_FAKE_MONOTONIC=1 FAKETIME_DONT_FAKE_MONOTONIC=1 TZ=Europe/Paris
Environment="FAKETIME=@{day} 09:59:55"
"""


class WholePage(FirstDay):
    """All machines of the page."""

    def __init__(self, machines: Machines, packages: dict[str, Path], folder: Path) -> None:
        super().__init__(machines, packages, folder)
        self.watchman = self._known(machines.server(), self.authority)
        self.fresh = self._known(machines.server(), self.authority)
        for machine in (self.server, self.watchman):
            surroundings.add_modem(machine)
        for machine in (self.watchman, self.fresh):
            machine.carry(packages["fleet"])
        # It shares the server's network here, and on its own host nothing but the watchman runs.
        self.watchman.inside("systemctl disable --quiet nginx postgresql postfix mosquitto")

    def other(self, name: str) -> Machine:
        """Return the watchman's machine, or the bare one with archive and key of the backup."""
        if name == WATCHMAN:
            return self.watchman
        for path in (self.server.root / "srv/passerelle").iterdir():
            if path.suffix == ".age" or path.name == "sauvegarde.key":
                self.fresh.write(f"/srv/passerelle/{path.name}", path.read_bytes())
        self.fresh.run("chmod a+r /srv/passerelle/*")
        return self.fresh


@pytest.fixture
def page(machines: Machines, packages: dict[str, Path], tmp_path: Path) -> Iterator[WholePage]:
    made = WholePage(machines, packages, tmp_path)
    yield made
    machines.end()


def test_every_block_of_the_page(page: WholePage) -> None:
    server, folder = page.server, page.folder
    server.boot()
    page.follow("Fonder")
    page.log_in()
    page.follow("Réglages")
    surroundings.write_sheets(server, folder)
    page.follow("Remplir le registre")
    page.follow("Déployer une passerelle")
    server.until("SERVING", lambda: page.gateway_now().get("state") == "SERVING", SERVES_LIMIT_S)
    page.follow("Changer une configuration")
    server.until("confirmed", lambda: _runs_version(page, 2), CONFIRMED_LIMIT_S)
    proxy.open_account(server, "bruno", "operator", PASSWORD)
    page.follow("Deux personnes")
    server.until("the approved one is confirmed", lambda: _runs_version(page, 3), CONFIRMED_LIMIT_S)
    page.follow("Vérifier un mois")
    page.follow("Publier en données ouvertes")
    assert (server.root / "srv/passerelle/communes.csv").stat().st_size > 0

    _organise(server)
    page.follow("Organiser l'astreinte")
    page.follow("Recevoir les signalements par courriel")
    server.run("sendmail -f mairie@exemple.fr pannes+37015@localhost", stdin=MAIL)
    server.until("the mail is entered", lambda: server.run(ENTERED_MAILS).strip() == "1", 60.0)
    surroundings.receive_mails(server)
    _check_proxies(page)

    page.follow("Les SMS par modem")
    day = server.run("date --date=tomorrow +%F").strip()
    page.watchman.write(
        "/etc/systemd/system/passerelle-watchman.service.d/morning.conf", MORNING.format(day=day)
    )
    page.watchman.boot(network_of=server)
    page.follow("Le veilleur")
    page.watchman.until("both are called", lambda: _both_are_called(page.watchman), 120.0)
    assert all("essai" in text for _, text in surroundings.submitted(page.watchman))

    page.follow("Révoquer une passerelle")
    server.until("the service pages by SMS", lambda: _is_called(server), PAGED_LIMIT_S)
    server.until("the service pages by mail", lambda: _is_written_to(server), PAGED_LIMIT_S)
    assert f"deny vdl/1/{EUI}" in server.run("cat /var/lib/passerelle-fleet/mosquitto/acl")
    page.follow("Mettre à jour")
    server.reboot()
    server.until("well after a reboot", lambda: _is_well(server), 90.0)
    assert server.run("systemctl is-active passerelle-broker passerelle-fleet").split() == ["active"] * 2

    page.fresh.boot()
    page.follow("Sauvegarder, restaurer, revenir en arrière")
    page.fresh.until("well after a restore", lambda: _is_well(page.fresh), 90.0)
    assert f"deny vdl/1/{EUI}" in page.fresh.run("cat /var/lib/passerelle-fleet/mosquitto/acl")

    assert page.followed == {block.section for block in blocks(PAGE.read_text("utf-8"))}


def _check_proxies(page: WholePage) -> None:
    """Try what goes through nginx, then through Caddy with the file that the page has printed for it."""
    server = page.server
    proxy.check(server, "personne")
    proxy.send_photo(server, 1, seed=1)
    proxy.follow_stream(server)
    caddy = re.search(r"`(passerelle-fleet proxy-config caddy > \S+)`", PAGE.read_text("utf-8"))
    assert caddy is not None
    server.run(f"{caddy[1]}; caddy validate --config /etc/caddy/Caddyfile; systemctl stop nginx")
    server.run("systemctl start caddy")
    proxy.check(server, "inconnue")
    proxy.send_photo(server, 1, seed=2)
    proxy.follow_stream(server)
    server.run("systemctl stop caddy; systemctl start nginx")


def _is_called(server: Machine) -> bool:
    called = {number for number, _ in surroundings.submitted(server)}
    return any(person["phone"] in called for person in DATA["technicians"])


def _is_written_to(server: Machine) -> bool:
    mails = surroundings.mails(server)
    return any(
        f"To: {person['email']}" in mails or f"<{person['email']}>" in mails for person in DATA["technicians"]
    )


def _both_are_called(watchman: Machine) -> bool:
    return {number for number, _ in surroundings.submitted(watchman)} == {"+33612345678", "+33687654321"}


def _runs_version(page: WholePage, version: int) -> bool:
    configuration = page.gateway_now().get("config") or {}
    versions = [configuration.get(name) for name in ("desired_version", "reported_version")]
    return bool(configuration.get("in_force")) and versions == [version] * 2


def _organise(server: Machine) -> None:
    """Write the people, the plan and the member that the guide's import takes."""
    document = {
        "technicians": DATA["technicians"],
        "on_call": DATA["on_call"],
        "memberships": [row for row in DATA["memberships"] if row["eui"] == EUI],
    }
    server.write("/srv/passerelle/astreinte.json", json.dumps(document))


def _is_well(machine: Machine) -> bool:
    answer = machine.run("curl --silent --max-time 5 http://127.0.0.1:8080/healthz || true", check=False)
    return '"ok":true' in answer.replace(" ", "")


@pytest.fixture
def previous(machines: Machines, tmp_path: Path) -> Iterator[Path]:
    """The previous release's package, from its own code and its own lock."""
    source = tmp_path / "source"
    source.mkdir()
    archive = subprocess.run(["git", "-C", ROOT, "archive", PREVIOUS_COMMIT], check=True, capture_output=True)
    subprocess.run(["tar", "--extract", "--directory", source], input=archive.stdout, check=True)
    yield build_tree("fleet", tmp_path / "previous", source=source, version="0.0.9")
    machines.end()


def test_the_previous_release_becomes_this_one(
    machines: Machines, previous: Path, packages: dict[str, Path], tmp_path: Path
) -> None:
    server = machines.server()
    surroundings.name_hosts(server)
    server.carry(previous)
    server.boot()
    server.run(
        "apt-get install --yes ./passerelle-fleet_0.0.9*.deb; rm passerelle-fleet_0.0.9*.deb;"
        "runuser -u postgres -- createuser passerelle-fleet;"
        "runuser -u postgres -- createdb --owner=passerelle-fleet passerelle;"
        "echo 'PASSERELLE_DATABASE_URL=postgresql+psycopg:///passerelle?host=/run/postgresql'"
        " > /etc/passerelle/fleet.env"
    )
    data = "--data /var/lib/passerelle-fleet"
    names = "--public-url https://supervision.exemple.fr --broker broker.exemple.fr:8883"
    surroundings.write_sheets(server, tmp_path)
    server.run(
        f"cd /srv/passerelle; passerelle-fleet init {data} {names};"
        f"passerelle-fleet territory import {data} communes.geojson;"
        f"passerelle-fleet import {data} sites.xlsx;"
        "systemctl disable --now mosquitto; systemctl enable --now passerelle-broker passerelle-fleet"
    )
    server.until("the previous release is well", lambda: _is_well(server), 90.0)
    server.carry(packages["fleet"])
    for block in blocks(PAGE.read_text("utf-8")):
        if block.section == "Mettre à jour":
            server.run(block.script)
    assert "0.0.9" not in server.run("dpkg-query --show passerelle-fleet")
    server.until("this release is well", lambda: _is_well(server), 120.0)
    server.run("passerelle-fleet export sortie.csv")
    assert EUI in (server.root / "srv/passerelle/sortie.csv").read_text("utf-8-sig")
