"""Outages of servers on a connection: ChirpStack over Mosquitto, Basics Station; nothing is lost."""

import asyncio
import json
import socket
import subprocess
from pathlib import Path

import aiomqtt
import pytest
from chirpstack_api.gw import gw_pb2 as gw
from websockets.asyncio.server import ServerConnection, serve

from agent.clock import SystemClock
from agent.datapath import DataPath
from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig
from agent.wire.messages import TimeQuality
from tests.datapath.relays import TcpRelay, Weather
from tests.datapath.virtual import VirtualConcentrator, data_up

pytestmark = pytest.mark.soak
EUI = "0016c001f12a3b4c"
MOSQUITTO = "/usr/sbin/mosquitto"
SETTLE_LIMIT_S = 120
ROUTER = {"msgtype": "router_config", "region": "EU863", "DRs": [[12, 125, 0], [7, 125, 0]]}


class Run:
    """One gateway and the relay before its server."""

    def __init__(self, path: Path, kind: str, relay: TcpRelay) -> None:
        config = ConnectorConfig(
            name="lns",
            kind=kind,  # type: ignore[arg-type]
            host="127.0.0.1",
            port=relay.port,
            contractual=True,
            drain_frames_per_s=50,
        )
        self.relay = relay
        self.clock = SystemClock(TimeQuality.NTP)
        self.radio = VirtualConcentrator(self.clock)
        self.sent: list[bytes] = []
        self.gateway = DataPath(
            concentrator=self.radio,
            configuration=Configuration(connectors=(config,), fleet=FleetConfig(host="127.0.0.1", port=1)),
            eui=EUI,
            state_dir=path / kind,
            clock=self.clock,
            boot=1,
            observe=lambda _: None,
        )

    async def hear(self, duration_s: float) -> None:
        for _ in range(int(duration_s * 10)):
            payload = data_up(0x26000000 + len(self.sent) % 100, len(self.sent))
            self.radio.inject(payload)
            self.sent.append(payload)
            await asyncio.sleep(0.1)

    async def settled(self) -> None:
        async with asyncio.timeout(SETTLE_LIMIT_S):
            while self.gateway.snapshot().spool_records or self.gateway.snapshot().received < len(self.sent):
                await asyncio.sleep(0.1)

    async def outages(self) -> None:
        task = asyncio.create_task(self.gateway.run())
        try:
            await self.hear(3)
            self.relay.weather = Weather(cut=True)
            await self.hear(20)
            self.relay.weather = Weather()
            await self.settled()
            await self.relay.refuse()
            await self.hear(5)
            await self.relay.start()
            await self.settled()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def report(self, name: str, arrived: list[bytes]) -> None:
        state = self.gateway.snapshot()
        late = state.counters.get("lns.replayed", 0)
        lost = len(set(self.sent) - set(arrived))
        twice = len(arrived) - len(set(arrived))
        print(
            f"{name}: black hole 20 s, refused 5 s: sent {len(self.sent)}, delivered {len(set(arrived))}, "
            f"late {late}, twice {twice}, dropped {dict(state.dropped)}, lost {lost}"
        )
        assert lost == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def chirpstack(path: Path) -> None:
    port = free_port()
    settings = path / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 100000\n")
    broker = subprocess.Popen([MOSQUITTO, "-c", str(settings)], stderr=subprocess.DEVNULL)
    await asyncio.sleep(1)
    arrived: list[bytes] = []
    try:
        async with aiomqtt.Client("127.0.0.1", port) as server:
            await server.subscribe("eu868/gateway/+/event/up", qos=1)

            async def collect() -> None:
                async for message in server.messages:
                    payload = gw.UplinkFrame.FromString(bytes(message.payload)).phy_payload
                    arrived.append(payload)  # one by one, as they come

            collecting = asyncio.create_task(collect())
            relay = TcpRelay(port)
            await relay.start()
            run = Run(path, "chirpstack_mqtt", relay)
            await run.outages()
            await asyncio.sleep(1)
            collecting.cancel()
    finally:
        broker.terminate()
        broker.wait(5)
    run.report("ChirpStack MQTT", arrived)


async def station(path: Path) -> None:
    arrived: list[int] = []
    relay = TcpRelay(0)

    async def answer(connection: ServerConnection) -> None:
        assert connection.request is not None
        async for message in connection:
            said = json.loads(message)
            if connection.request.path == "/router-info":
                await connection.send(json.dumps({"uri": f"ws://127.0.0.1:{relay.port}/traffic"}))
            elif said["msgtype"] == "version":
                await connection.send(json.dumps(ROUTER))
            elif said["msgtype"] == "updf":
                arrived.append(said["FCnt"])

    server = await serve(answer, "127.0.0.1", 0, ping_interval=None)
    relay = TcpRelay(next(iter(server.sockets)).getsockname()[1])
    await relay.start()
    run = Run(path, "basics_station", relay)
    await run.outages()
    server.close()
    run.report("Basics Station", [run.sent[fcnt] for fcnt in arrived])


def test_servers_on_a_connection_lose_nothing(tmp_path: Path) -> None:
    async def both() -> None:
        await asyncio.gather(chirpstack(tmp_path), station(tmp_path))

    asyncio.run(both())
