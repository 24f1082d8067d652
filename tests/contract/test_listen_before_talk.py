"""Listen before talk from the configuration to the fleet's page, by the real agent on the twin.

The SX1261 hears a carrier on one channel: what three servers ask for there does not leave, each learns it as
far as its protocol can, the journal names the channel, and the gateway's page counts it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
import pytest
from chirpstack_api.gw import gw_pb2 as gw
from fastapi.testclient import TestClient

from agent.status.status import ask_status
from agent.wire.configuration import (
    Configuration,
    ConnectorConfig,
    LbtChannelConfig,
    LbtConfig,
    RadioConfig,
)
from agent.wire.messages import Noted
from agent.wire.topics import topic
from fleet.broker.received import Received
from tests.controlpath.rig import EUI, Rig
from tests.controlpath.virtual import Broker
from tests.datapath.station import StationServer
from tests.unit.fleet.web.network import make_app
from tests.unit.fleet.web.sample import NOW_US, eui_of

pytestmark = pytest.mark.anyio
OCCUPIED_HZ, UNLISTED_HZ = 868_100_000, 868_300_000
CARRIER_DBM, QUIET_DBM = -50.0, -110.0
STEPS_HZ = 1_000
LIMIT_S = 60.0
ASK_AGAIN_S = 0.3
"""A busy machine may be too late for the instant of one downlink; then the next counts."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class UdpServer(asyncio.DatagramProtocol):
    """Acknowledges, asks for downlinks, keeps what the gateway says of them."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self._gateway: tuple[str, int] | None = None

    async def listen(self) -> int:
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return int(self.transport.get_extra_info("sockname")[1])

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if data[3] == 5:
            self.errors.append(json.loads(data[12:] or b"{}").get("txpk_ack", {}).get("error", "NONE"))
        elif data[3] in (0, 2):
            self._gateway = addr if data[3] == 2 else self._gateway
            self.transport.sendto(data[:3] + (b"\x01" if data[3] == 0 else b"\x04"), addr)

    async def ask(self, frequency_hz: int) -> None:
        txpk = {"imme": True, "freq": frequency_hz / 1e6, "modu": "LORA", "datr": "SF7BW125", "codr": "4/5"}
        body = json.dumps({"txpk": txpk | {"powe": 14, "size": 1, "data": "YQ==", "ipol": True}})
        if self._gateway is not None:
            self.transport.sendto(b"\x02\x00\x07\x03" + body.encode(), self._gateway)


class Bench:
    """The agent on its twin, and a server of each kind."""

    def __init__(self, rig: Rig, udp: UdpServer, chirpstack: aiomqtt.Client, station: StationServer) -> None:
        self.rig, self.udp, self.chirpstack, self.station = rig, udp, chirpstack, station
        self.acks: list[int] = []
        self.sent_hz: list[int] = []
        rig.chip.on_emission = lambda emission: self.sent_hz.append(emission.frequency_hz)

    async def follow_chirpstack(self) -> None:
        async for message in self.chirpstack.messages:
            if message.topic.value.endswith("/ack"):
                ack = gw.DownlinkTxAck.FromString(bytes(message.payload))
                self.acks += [item.status for item in ack.items]

    async def ask_chirpstack(self) -> None:
        frame = gw.DownlinkFrame(downlink_id=5, gateway_id=EUI)
        item = frame.items.add(phy_payload=b"\x60abc")
        item.tx_info.frequency, item.tx_info.power = OCCUPIED_HZ, 14
        lora = item.tx_info.modulation.lora
        lora.bandwidth, lora.spreading_factor, lora.polarization_inversion = 125_000, 7, True
        item.tx_info.timing.immediately.SetInParent()
        await self.chirpstack.publish(f"eu868/gateway/{EUI}/command/down", frame.SerializeToString(), qos=1)

    async def ask_station(self) -> None:
        asked = {
            "msgtype": "dnmsg",
            "DevEui": "00-00-00-00-00-00-00-01",
            "dC": 2,
            "diid": 9,
            "pdu": "60aabbcc",
        }
        if self.station.traffic is not None:
            rx2 = {"RX2DR": 5, "RX2Freq": OCCUPIED_HZ, "RxDelay": 1, "rctx": 0}
            await self.station.traffic.send(json.dumps(asked | rx2))

    async def counters(self) -> dict[str, int]:
        status = await asyncio.to_thread(ask_status, self.rig.state)
        return {} if status is None else status.counters

    async def until(
        self, holds: Callable[[], Awaitable[bool]], ask: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Ask again and again until what is wanted holds."""
        async with asyncio.timeout(LIMIT_S):
            while not await holds():
                if ask is not None:
                    await ask()
                await asyncio.sleep(ASK_AGAIN_S)


def carrier(frequency_hz: int) -> float:
    """Return what is heard: a carrier on one channel, within the steps of the radio's frequency."""
    return CARRIER_DBM if abs(frequency_hz - OCCUPIED_HZ) < STEPS_HZ else QUIET_DBM


@asynccontextmanager
async def bench(folder: Path) -> AsyncIterator[Bench]:
    (folder / "lns").mkdir()
    udp, station = UdpServer(), StationServer(None)
    server = await station.start()
    with Broker(folder / "lns") as broker, Rig(folder) as rig:
        rig.chip.sx1261.noise_dbm = carrier
        connectors = (
            ConnectorConfig(name="udp", host="127.0.0.1", port=await udp.listen(), contractual=True),
            ConnectorConfig(name="cs", kind="chirpstack_mqtt", host="127.0.0.1", port=broker.port),
            ConnectorConfig(name="bs", kind="basics_station", host="localhost", port=station.port),
        )
        listening = LbtConfig(channels=(LbtChannelConfig(frequency_hz=OCCUPIED_HZ),))
        content: Configuration = rig.content(
            connectors=connectors, radio=RadioConfig(board="rak5146", sx1261=True, lbt=listening)
        )
        order = rig.fleet.order(
            content,
            enrol_url=rig.enrolment.url,
            fleet_ca_pem=rig.authority.pem,
            bus=f"socket:{folder / 'chip'}",
        )
        await asyncio.to_thread(rig.flash, order)
        rig.start()
        async with aiomqtt.Client("127.0.0.1", broker.port, protocol=aiomqtt.ProtocolVersion.V5) as client:
            await client.subscribe("eu868/gateway/+/event/+", qos=1)
            made = Bench(rig, udp, client, station)
            following = asyncio.create_task(made.follow_chirpstack())
            try:
                yield made
            finally:
                following.cancel()
                udp.transport.close()
                server.close()


async def test_what_may_not_be_sent_is_said_to_every_server_in_the_journal_and_on_the_page(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path) as made:
        rig = made.rig
        await asyncio.to_thread(rig.wait_receiving)

        async def blocked(name: str, times: int) -> bool:
            """Whether a server lost a downlink, and so many in all were stopped by what was heard.

            A busy machine may lose one for being late: that is no answer to the question.
            """
            counted = await made.counters()
            return counted.get(f"{name}.downlink_lost", 0) > 0 and counted.get("downlink.LBT", 0) >= times

        await made.until(lambda: blocked("udp", 1), lambda: made.udp.ask(OCCUPIED_HZ))
        assert set(made.udp.errors) == {"NONE"}, "taken; this protocol has no word for what came after"
        await made.until(
            lambda: _true("COLLISION_PACKET" in made.udp.errors), lambda: made.udp.ask(UNLISTED_HZ)
        )
        await made.until(lambda: _true(gw.COLLISION_PACKET in made.acks), made.ask_chirpstack)
        await made.until(lambda: blocked("bs", 3), made.ask_station)
        assert made.sent_hz == []
        assert made.station.of("dntxed") == []
        assert (await made.counters())["udp.txpk_LBT"] >= 1

        def is_note(_: str, one: Any) -> bool:
            return isinstance(one, Noted) and one.name == "lbt_blocked"

        await asyncio.to_thread(rig.wait, is_note, since=0.0, limit_s=LIMIT_S)
        leaf, note = rig.found
        assert set(note.fields) == {str(OCCUPIED_HZ)}
        page = page_after(tmp_path / "fleet", leaf, note)
        count = note.fields[str(OCCUPIED_HZ)]
        assert f"868,1 MHz\u202f: {count}" in page
        assert "Écoute avant émission" in page

        rig.chip.sx1261.noise_dbm = lambda _: QUIET_DBM
        await made.until(lambda: _true(bool(made.station.of("dntxed"))), made.ask_station)
        assert all(abs(sent_hz - OCCUPIED_HZ) < STEPS_HZ for sent_hz in made.sent_hz)
        assert made.sent_hz


async def _true(value: bool) -> bool:
    return value


def page_after(folder: Path, leaf: str, note: Noted) -> str:
    """Return the gateway's page of a fleet that was told ``note``."""
    folder.mkdir()
    app = make_app(folder)
    said = msgspec.structs.replace(note, at_us=NOW_US)
    message = Received(
        topic=topic(eui_of(1), leaf),
        payload=msgspec.msgpack.encode(said),
        retained=False,
        received_at_us=NOW_US,
    )
    app.state.parts.engine.take([message])
    app.state.parts.engine.cycle()
    return TestClient(app).get(f"/passerelles/{eui_of(1)}").text
