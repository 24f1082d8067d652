"""The pages of network servers followed literally: ChirpStack, Basics Station, UDP, and the recipes."""

import asyncio
import json
import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from agent.clock import SystemClock
from agent.datapath import DataPath
from agent.journal_port import MemoryJournal
from agent.wire.configuration import Configuration, decode_configuration
from agent.wire.envelope import decode_envelope
from agent.wire.messages import TimeQuality
from agent.wire.order import decode_order
from demo.ports import free_port
from fleet.cli.commands import open_fleet
from fleet.cli.main import main
from fleet.configurations.store import newest_version
from fleet.rollouts.store import get
from fleet.rollouts.summaries import recent
from tests.datapath.broker import MOSQUITTO, client_tls
from tests.datapath.certificates import issue
from tests.datapath.chirpstack import ChirpStack, Device, sealed
from tests.datapath.chirpstack_world import FIRST_ADDRESS, KEY
from tests.datapath.virtual import VirtualConcentrator
from tests.unit.fleet.cli.chirpstack_services import TOKEN, Memory, serving
from tests.unit.fleet.founded import DOCUMENT, EUIS

pytestmark = [pytest.mark.e2e, pytest.mark.anyio]
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "chirpstack.md").read_text(encoding="utf-8")
EUI = EUIS[0]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def files_of_the_page() -> dict[str, str]:
    """Return the files that the page shows, by the name in their first line."""
    blocks = re.findall(r"```conf\n# (\S+)\n(.*?)```", PAGE, re.DOTALL)
    return dict(blocks)


def commands_of_the_page() -> list[str]:
    """Return the commands that the page shows."""
    return re.findall(r"^\$ passerelle fleet (.+)$", PAGE, re.MULTILINE)


class Site:
    """What the page supposes: a fleet, certificates, a broker's machine, a ChirpStack."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.port = folder, free_port()
        self.data = folder / "fleet"
        registry = folder / "registry.json"
        registry.write_text(json.dumps(DOCUMENT))
        assert main(["init", "--data", str(self.data), "--broker", "broker.example.fr:8884"]) == 0
        assert main(["import", "--data", str(self.data), str(registry)]) == 0
        alone = ["settings", "set", "--data", str(self.data), "two_persons.addresses=false"]
        assert main(alone) == 0, "one administrator follows the page alone"
        (folder / "token").write_text(TOKEN)
        authority = issue(folder, "authority")
        for name in ("server", "chirpstack", EUI):
            issue(folder, name, authority)
        identity = (folder / f"{EUI}.pem").read_text() + (folder / f"{EUI}.key").read_text()
        (folder / "identity.pem").write_text(identity)
        self.substitutes = {
            "/var/lib/passerelle/identity/certificate.pem": str(folder / "identity.pem"),
            "/var/lib/passerelle-fleet": str(self.data),
            "/etc/passerelle/chirpstack.jeton": str(folder / "token"),
            "https://chirpstack.exemple.fr": url,
            "courtier-lns.exemple.fr": f"127.0.0.1:{self.port}",
            "connectors.0.port=8883": f"connectors.0.port={self.port}",
            "ordre.json": str(folder / "ordre.json"),
            "liste.csv": str(folder / "liste.csv"),
            "/etc/mosquitto/lns/passerelle-ca.pem": str(folder / "authority.pem"),
            "/etc/mosquitto/lns/serveur": str(folder / "server"),
            "/etc/mosquitto/lns/acl": str(folder / "acl"),
            "listener 8883": f"listener {self.port} 127.0.0.1\nuser root",
            "52f14cd4-c6f1-4fbd-8f87-4025e1d49242": "52f14cd4-c6f1-4fbd-8f87-4025e1d49242",
        }
        """What stands on the page, and what stands for it here."""

    def here(self, text: str) -> str:
        for page, place in self.substitutes.items():
            text = text.replace(page, place)
        return text

    def follow(self, command: str) -> None:
        assert main(shlex.split(self.here(command))) == 0, command

    def broker(self) -> "subprocess.Popen[bytes]":
        shown = files_of_the_page()
        settings = self.folder / "lns.conf"
        settings.write_text(self.here(shown["/etc/mosquitto/conf.d/lns.conf"]))
        (self.folder / "acl").write_text(shown["/etc/mosquitto/lns/acl"])
        (self.folder / "acl").chmod(0o600)
        return subprocess.Popen([MOSQUITTO, "-c", str(settings)], stderr=subprocess.DEVNULL)

    def wanted(self) -> Mapping[str, str]:
        """Return what the newest rollout changes."""
        _, database = open_fleet(self.data)
        with database.read() as connection:
            newest = get(connection, recent(connection)[0].id)
        assert newest is not None
        return newest.changes

    def newest(self) -> Configuration:
        _, database = open_fleet(self.data)
        with database.read() as connection:
            version = newest_version(connection, EUI)
        database.close()
        assert version is not None
        return version.configuration


async def test_who_follows_the_page_has_frames_in_chirpstack_and_a_test_device(tmp_path: Path) -> None:
    memory = Memory()
    with serving(memory) as url:
        site = Site(tmp_path, url)
        order, *others = commands_of_the_page()
        site.follow(order)
        envelope = decode_envelope(decode_order((tmp_path / "ordre.json").read_bytes()).configuration)
        first = decode_configuration(envelope.payload).connectors[0]
        assert (first.kind, first.tls, first.port) == ("chirpstack_mqtt", True, site.port)
        for command in others:
            site.follow(command)
    configuration = site.newest()
    assert configuration.end_to_end.decides
    broker = site.broker()
    lns = ChirpStack(site.port, tls=client_tls(tmp_path, "chirpstack"))
    lns.devices[FIRST_ADDRESS] = Device(key=KEY)
    session = memory.sessions[EUI]
    device = Device(key=bytes.fromhex(session.nwk_s_enc_key))
    lns.devices[int(session.dev_addr, 16)] = device
    clock = SystemClock(TimeQuality.NTP)
    radio = VirtualConcentrator(clock, eui=EUI)
    authority = str(tmp_path / "authority.pem")
    trusting = configured(configuration, ca_file=authority)
    path = DataPath(
        concentrator=radio,
        configuration=trusting,
        eui=EUI,
        state_dir=tmp_path / "state",
        clock=clock,
        boot=1,
        journal=MemoryJournal(clock),
    )
    await lns.start()
    task = asyncio.create_task(path.run())
    try:
        async with asyncio.timeout(120):
            while not any(one.up for one in path.snapshot().connectors):
                await asyncio.sleep(0.05)
            radio.inject(sealed(KEY, FIRST_ADDRESS, 0))
            while not (lns.devices[FIRST_ADDRESS].published and device.published):
                await asyncio.sleep(0.05)
            while path.snapshot().end_to_end is None:
                await asyncio.sleep(0.05)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await lns.stop()
        broker.kill()
        broker.wait(60)


def configured(configuration: Configuration, *, ca_file: str) -> Configuration:
    """Return the same with the authority of this test's broker, where the page supposes a public one."""
    import msgspec

    connector = msgspec.structs.replace(configuration.connectors[0], ca_file=ca_file)
    return msgspec.structs.replace(configuration, connectors=(connector,))


@pytest.mark.parametrize(
    ("page", "kind"), [("serveur-basics-station.md", "basics_station"), ("serveur-udp.md", "semtech_udp")]
)
def test_who_follows_the_page_of_another_server_has_its_connector_and_a_test_device(
    page: str, kind: str, tmp_path: Path
) -> None:
    site = Site(tmp_path, "http://127.0.0.1:1")
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    commands = re.findall(r"^\$ passerelle fleet (.+)$", text, re.MULTILINE)
    assert [command.split()[0] for command in commands].count("configure") >= 2
    for command in commands:
        site.follow(command)
    configuration = site.newest()
    connector, device = configuration.connectors[0], configuration.end_to_end
    assert (connector.kind, connector.contractual, device.dev_addr) == (kind, True, "00c00001")
    assert connector.tls is (kind == "basics_station")
    rows = (tmp_path / "liste.csv").read_text().splitlines()
    assert any(EUI in row and "000102030405060708090a0b0c0d0e0f" in row for row in rows)


@pytest.mark.parametrize(
    "command",
    re.findall(r"^    passerelle fleet (.+)$", (ROOT / "docs" / "lns.md").read_text(), re.MULTILINE),
)
def test_the_recipes_are_commands_that_work(command: str, tmp_path: Path) -> None:
    site = Site(tmp_path, "http://127.0.0.1:1")
    site.follow(f"order --data {site.data} --eui {EUI} --output {tmp_path}/first.json --lns lns.exemple.fr")
    site.follow(command)
    if command.startswith("rollout start"):
        assert site.wanted()["connectors.1.name"] == "second"
    elif "spare_delivered" in command:
        assert site.newest().connectors[0].spare_delivered
    elif "connectors.1" in command:
        assert [one.name for one in site.newest().connectors] == ["lns", "second"]
