"""Flash → first boot → certificate → mTLS session → configuration on trial → confirmed or rolled back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import msgspec
import pytest

from agent.assembly import Agent
from agent.clock import SystemClock
from agent.enrol.settings import load_settings
from agent.wire import messages
from agent.wire.configuration import FleetConfig, Intervals
from agent.wire.envelope import decode_envelope
from agent.wire.messages import ConfigState
from agent.wire.order import encode_order
from demo.ports import free_port
from provisioning.cli import main as provision
from tests.controlpath.enrolment_server import EnrolmentServer
from tests.controlpath.virtual import (
    EUI,
    Authority,
    Broker,
    SigningFleet,
    VirtualDataPath,
    configuration,
)

pytestmark = pytest.mark.slow
QUICK = Intervals(heartbeat_s=1, config_trial_s=5)


class Heard:
    """What the fleet hears, by leaf."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self.client = client
        self.all: list[tuple[str, msgspec.Struct]] = []
        self._news = asyncio.Condition()

    async def listen(self) -> None:
        await self.client.subscribe("vdl/1/#")
        async for message in self.client.messages:
            leaf = message.topic.value.split("/", 3)[3]
            if leaf.startswith(("config/desired", "command/")):
                continue
            assert isinstance(message.payload, bytes)
            self.all.append((leaf, messages.decode(leaf, message.payload)))
            async with self._news:
                self._news.notify_all()

    async def until(self, leaf: str, wanted: Callable[[msgspec.Struct], bool]) -> msgspec.Struct:
        async with asyncio.timeout(90), self._news:
            while True:
                for one, message in self.all:
                    if one == leaf and wanted(message):
                        return message
                await self._news.wait()


@asynccontextmanager
async def fleet_listening(port: int, **tls: object) -> AsyncIterator[Heard]:
    async with aiomqtt.Client("127.0.0.1", port, identifier="fleet", **tls) as client:  # type: ignore[arg-type]
        heard = Heard(client)
        task = asyncio.create_task(heard.listen())
        yield heard
        task.cancel()


@asynccontextmanager
async def running(agent: Agent) -> AsyncIterator[None]:
    task = asyncio.create_task(agent.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def make_agent(state: Path, image: Path | None) -> tuple[Agent, VirtualDataPath]:
    made: list[VirtualDataPath] = []

    def make(order: object, content: object, boot: int, journal: object) -> VirtualDataPath:
        made.append(VirtualDataPath(content))  # type: ignore[arg-type]
        return made[0]

    return Agent(state=state, image=image, clock=SystemClock(), make_datapath=make), made[0]  # type: ignore[arg-type]


def test_first_boot_over_mtls(tmp_path: Path) -> None:
    asyncio.run(first_boot(tmp_path))


async def first_boot(tmp_path: Path) -> None:
    authority, fleet = Authority(), SigningFleet()
    with (
        Broker(tmp_path, extra=authority.server(tmp_path)) as broker,
        EnrolmentServer(authority, "t" * 43).serving() as server,
    ):
        content = configuration(fleet=FleetConfig(host="127.0.0.1", port=broker.port), intervals=QUICK)
        order = fleet.order(content, fleet_ca_pem=authority.pem, enrol_url=server.url)
        (tmp_path / "order.json").write_bytes(encode_order(order))
        image = tmp_path / "out.img"
        assert provision(["flash", "--order", str(tmp_path / "order.json"), "--output", str(image)]) == 0
        agent, _ = make_agent(tmp_path / "state", image)
        own = aiomqtt.TLSParameters(
            ca_certs=str(tmp_path / "ca.pem"),
            certfile=str(tmp_path / "server.pem"),
            keyfile=str(tmp_path / "server.key"),
        )
        async with fleet_listening(broker.port, tls_params=own) as heard, running(agent):
            await heard.until("presence", lambda m: m.online)  # type: ignore[attr-defined]
            beat = await heard.until("health", lambda _: True)
            assert beat.config_version == 1  # type: ignore[attr-defined]
            await heard.until("journal", lambda m: m.records[0].value == "STARTED")  # type: ignore[attr-defined]
        assert (tmp_path / "state/identity/key.pem").stat().st_mode & 0o777 == 0o600
        assert load_settings(tmp_path / "state", None).token == ""
        assert b"t" * 43 not in image.read_bytes()
        assert b"t" * 43 not in b"".join(p.read_bytes() for p in (tmp_path / "state").glob("*.json"))


def test_configuration_confirmed_then_one_that_cuts_the_link_rolled_back(tmp_path: Path) -> None:
    asyncio.run(confirmed_then_cut(tmp_path))


async def confirmed_then_cut(tmp_path: Path) -> None:
    fleet = SigningFleet()
    with Broker(tmp_path) as broker:
        here = FleetConfig(host="127.0.0.1", port=broker.port, tls=False)
        one = configuration(fleet=here, intervals=QUICK)
        two = configuration(fleet=here, intervals=Intervals(heartbeat_s=2, config_trial_s=5))
        gone = configuration(fleet=FleetConfig(host="127.0.0.1", port=free_port(), tls=False))
        state = tmp_path / "state"
        state.mkdir()
        (state / "settings.json").write_bytes(encode_order(fleet.order(one)))
        agent, datapath = make_agent(state, None)
        async with fleet_listening(broker.port) as heard, running(agent):
            sent = fleet.configuration(2, two)
            await heard.client.publish(f"vdl/1/{EUI}/config/desired", sent, qos=1, retain=True)
            await heard.until("health", lambda m: m.config_version == 2)  # type: ignore[attr-defined]
            word = fleet.confirmation(1, decode_envelope(sent).sha256)
            await heard.client.publish(f"vdl/1/{EUI}/command/confirm-2", word, qos=1)
            await heard.until(
                "config/reported",
                lambda m: m.version == 2 and m.state is ConfigState.CONFIRMED,  # type: ignore[attr-defined]
            )
            sent = fleet.configuration(3, gone)
            await heard.client.publish(f"vdl/1/{EUI}/config/desired", sent, qos=1, retain=True)
            back = await heard.until(
                "config/reported",
                lambda m: m.state is ConfigState.ROLLED_BACK,  # type: ignore[attr-defined]
            )
            assert (back.version, back.seen_version) == (2, 3)  # type: ignore[attr-defined]
            assert [content.fleet for content in datapath.applied] == [here, here, gone.fleet, here]
