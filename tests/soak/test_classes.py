"""Classes A, B and C in real time over real sockets: UDP, Mosquitto with mutual TLS, WebSocket over TLS.

Virtual sensors hear what begins in a window of theirs; the same matrix runs in virtual time in
``tests/unit/agent/downlink/test_classes.py``.
"""

import asyncio
import json
import ssl
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import aiomqtt
import pytest
from chirpstack_api.gw import gw_pb2 as gw

from agent.clock import SystemClock
from agent.datapath import DataPath
from agent.downlink.beacon import PERIOD_US
from agent.journal_port import MemoryJournal
from agent.timing.choice import Reading
from agent.timing.utc import GPS_EPOCH_UNIX_US, LEAP_SECONDS
from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig, RadioConfig
from agent.wire.messages import TimeQuality
from hal.units import Micros
from tests.datapath.broker import MOSQUITTO, client_tls, settings
from tests.datapath.certificates import issue
from tests.datapath.exchange import PAYLOAD, Wish, mqtt_asked, station_asked, udp_asked
from tests.datapath.station import EUI, StationServer
from tests.datapath.virtual import UdpServer, VirtualConcentrator, data_up
from tests.datapath.windows import BEACON_RESERVED_US, SLOT_US, Window, always, beacon, ping_slot, rx1, rx2

pytestmark = [pytest.mark.soak, pytest.mark.anyio]
RX1 = (868_100_000, 7, 1_000_000)
RX2 = (869_525_000, 12, 2_000_000)
TO_BEACON_US = 9_000_000
SLOT = 40
BROKER_PORT = 28_883
GPS_NOW_US = 11_600_000 * PERIOD_US - TO_BEACON_US
UTC_OF_GPS_US = GPS_EPOCH_UNIX_US - LEAP_SECONDS * 1_000_000


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Lns(Protocol):
    """A server: what it was told, how it asks, and its way of saying that all went well."""

    async def start(self, folder: Path) -> ConnectorConfig: ...

    async def ask(self, wish: Wish) -> None: ...

    async def heard(self) -> None: ...

    def received(self) -> list[str]: ...


@dataclass
class Udp:
    server: UdpServer = field(default_factory=UdpServer)
    seen: int = 0
    acked: int = 0

    async def start(self, folder: Path) -> ConnectorConfig:
        await self.server.listen()
        return ConnectorConfig(name="lns", host="127.0.0.1", port=self.server.port, contractual=True)

    async def heard(self) -> None:
        await self.server.until(lambda: len(self.server.frames) > self.seen and self.server.gateway)
        self.seen += 1

    async def ask(self, wish: Wish) -> None:
        for txpk in udp_asked(self.server.frames[-1], wish):
            self.acked = len(self.server.tx_acks)
            self.server.downlink(txpk)
            await self.server.until(lambda: len(self.server.tx_acks) > self.acked)
            if not self.server.tx_acks[-1][1]:
                return

    def received(self) -> list[str]:
        return [json.loads(body)["txpk_ack"]["error"] if body else "OK" for _, body in self.server.tx_acks]


@dataclass
class Mqtt:
    acks: list[str] = field(default_factory=list)
    context: bytes = b""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self, folder: Path) -> ConnectorConfig:
        self.process = subprocess.Popen(
            [MOSQUITTO, "-c", str(settings(folder, BROKER_PORT))], stderr=subprocess.DEVNULL
        )
        tls = client_tls(folder, "lns")
        while True:
            try:
                self.client = aiomqtt.Client("127.0.0.1", BROKER_PORT, tls_context=tls)
                await self.client.__aenter__()
                break
            except aiomqtt.MqttError:
                await asyncio.sleep(0.05)
        await self.client.subscribe("eu868/gateway/+/event/+", qos=1)
        self.listening = asyncio.create_task(self._listen())
        files = {"certificate_file": str(folder / f"{EUI}.pem"), "key_file": str(folder / f"{EUI}.key")}
        return ConnectorConfig(
            name="lns",
            kind="chirpstack_mqtt",
            host="127.0.0.1",
            port=BROKER_PORT,
            contractual=True,
            tls=True,
            ca_file=str(folder / "authority.pem"),
            **files,
        )

    async def _listen(self) -> None:
        async for message in self.client.messages:
            leaf, payload = message.topic.value.rpartition("/")[2], bytes(message.payload)
            if leaf == "up":
                self.context = gw.UplinkFrame.FromString(payload).rx_info.context
                self.arrived.set()
            if leaf == "ack":
                items = gw.DownlinkTxAck.FromString(payload).items
                self.acks.append("/".join(gw.TxAckStatus.Name(item.status) for item in items))

    async def heard(self) -> None:
        await self.arrived.wait()
        self.arrived.clear()

    async def ask(self, wish: Wish) -> None:
        body = mqtt_asked(self.context, wish).SerializeToString()
        await self.client.publish(f"eu868/gateway/{EUI}/command/down", body, qos=1)

    def received(self) -> list[str]:
        return self.acks


@dataclass
class Station:
    seen: int = 0

    async def start(self, folder: Path) -> ConnectorConfig:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(folder / "server.pem", folder / "server.key")
        self.server = StationServer(tls)
        self.listening = await self.server.start()
        return ConnectorConfig(
            name="lns",
            kind="basics_station",
            host="localhost",
            port=self.server.port,
            contractual=True,
            tls=True,
            ca_file=str(folder / "authority.pem"),
        )

    async def heard(self) -> None:
        while len(self.server.of("updf")) <= self.seen:
            await asyncio.sleep(0.005)
        self.seen += 1

    async def ask(self, wish: Wish) -> None:
        upinfo = self.server.of("updf")[-1]["upinfo"]
        assert isinstance(upinfo, dict)
        assert self.server.traffic is not None
        await self.server.traffic.send(json.dumps(station_asked(upinfo, wish)))

    def received(self) -> list[str]:
        return [f"{message['Freq']}" for message in self.server.of("dntxed")]


class Pulsed(VirtualConcentrator):
    """Latches its counter at each second of the GPS time that the clock was told."""

    def trigger_counter_us(self) -> Micros:
        now_us = int(self.counter_us())
        clock: Any = self.clock
        gps_us = clock.utc_us() - UTC_OF_GPS_US - (clock.monotonic_us() - now_us)
        return Micros(now_us - gps_us % 1_000_000)


class Bench:
    """One gateway on one server, and the instants of its GPS time."""

    def __init__(self, path: Path, connector: ConnectorConfig, lns: Lns) -> None:
        self.lns, self.clock = lns, SystemClock()
        now_us = self.clock.monotonic_us()
        offset_us = GPS_NOW_US + UTC_OF_GPS_US - now_us
        self.clock.accept(Reading(quality=TimeQuality.GNSS, utc_minus_monotonic_us=offset_us, at_us=now_us))
        self.beacon_us = now_us + TO_BEACON_US
        self.radio = Pulsed(self.clock)
        self.path = DataPath(
            concentrator=self.radio,
            configuration=Configuration(
                radio=RadioConfig(class_b_beacon=True),
                connectors=(connector,),
                fleet=FleetConfig(host="127.0.0.1", port=1),
            ),
            eui=EUI,
            state_dir=path / "state",
            clock=self.clock,
            boot=1,
            journal=MemoryJournal(self.clock),
        )

    async def up(self) -> None:
        while not (self.radio.running and any(one.up for one in self.path.snapshot().connectors)):
            await asyncio.sleep(0.02)

    async def uplink(self, number: int) -> int:
        ended_us = self.radio.inject(data_up(fcnt=number))
        await self.lns.heard()
        return ended_us

    async def received(self, window: Window) -> None:
        while not any(sent.payload == PAYLOAD and window.hears(sent) for sent in self.radio.sent):
            await asyncio.sleep(0.02)


async def matrix(lns: Lns, path: Path) -> list[str]:
    authority = issue(path, "authority")
    for name in ("server", "lns", EUI):
        issue(path, name, authority)
    bench = Bench(path, await lns.start(path), lns)
    running = asyncio.create_task(bench.path.run())
    try:
        async with asyncio.timeout(60):
            await bench.up()
            for number, (wish, window) in enumerate(((Wish([RX1]), rx1), (Wish([RX2]), rx2))):
                ended_us = await bench.uplink(number)
                await lns.ask(wish)
                await bench.received(window(ended_us))
            await bench.uplink(3)
            await lns.ask(Wish(gps_us=GPS_NOW_US + TO_BEACON_US + BEACON_RESERVED_US + SLOT * SLOT_US))
            await bench.received(ping_slot(bench.beacon_us, SLOT))
            assert any(beacon(bench.beacon_us + 1_500).hears(sent) for sent in bench.radio.sent)
            since_us = bench.clock.monotonic_us()
            await lns.ask(Wish(immediate=True))
            await bench.received(always(since_us))
            ended_us = await bench.uplink(4)
            await lns.ask(Wish([RX1]))
            await lns.ask(Wish([RX1, RX2]))
            await bench.received(rx2(ended_us))
            while len(lns.received()) < 6:
                await asyncio.sleep(0.02)
    except TimeoutError as error:
        left = [(sent.at_us, sent.frequency_hz) for sent in bench.radio.sent]
        raise AssertionError(f"{lns.received()} {left} {bench.path.snapshot().counters}") from error
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return lns.received()


async def test_every_class_through_every_connector(tmp_path: Path) -> None:
    servers: list[Lns] = [Udp(), Mqtt(), Station()]
    folders = [tmp_path / type(server).__name__ for server in servers]
    try:
        udp, mqtt, station = await asyncio.gather(
            *(matrix(server, folder) for server, folder in zip(servers, folders, strict=True))
        )
    finally:
        broker = servers[1]
        assert isinstance(broker, Mqtt)
        broker.listening.cancel()
        broker.process.terminate()
    assert udp == ["OK", "OK", "OK", "OK", "OK", "COLLISION_PACKET", "OK"]
    assert mqtt == ["OK", "OK", "OK", "OK", "OK", "COLLISION_PACKET/OK"]
    rx1_hz, rx2_hz = "868100000", "869525000"
    assert station == [rx1_hz, rx2_hz, rx2_hz, rx2_hz, rx1_hz, rx2_hz]
    print(f"classes A (RX1, RX2, RX1 taken: RX2), B with beacon, C: {udp=} {mqtt=} {station=}")
