"""A Basics Station network server, and a gateway with a virtual radio before it."""

import asyncio
import json
import ssl
from collections.abc import Callable
from pathlib import Path

from websockets.asyncio.server import Server, ServerConnection, serve

from agent.clock import SystemClock
from agent.datapath import DataPath
from agent.journal_port import MemoryJournal
from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig
from agent.wire.messages import TimeQuality
from tests.datapath.virtual import VirtualConcentrator

EUI = "0016c001f12a3b4c"
ROUTER = {
    "msgtype": "router_config",
    "region": "EU863",
    "DRs": [
        [12, 125, 0],
        [11, 125, 0],
        [10, 125, 0],
        [9, 125, 0],
        [8, 125, 0],
        [7, 125, 0],
        [7, 250, 0],
        [0, 0, 0],
    ],
}


class StationServer:
    """Discovery and traffic on one port; keeps what arrives, answers as told."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self.tls = tls
        self.messages: list[dict[str, object]] = []
        self.tokens: list[str | None] = []
        self.traffic: ServerConnection | None = None
        self.gps_us: Callable[[], int] | None = None
        """Answers timesync with this GPS time."""
        self.router: dict[str, object] = ROUTER
        self.scheme = "wss" if tls else "ws"
        self.named_port: int | None = None
        """Discovery names this scheme and port; None: its own."""

    async def start(self) -> Server:
        server = await serve(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = next(iter(server.sockets)).getsockname()[1]
        return server

    async def _serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.tokens.append(connection.request.headers.get("Authorization"))
        async for message in connection:
            if connection.request.path == "/router-info":
                port = self.named_port or self.port
                await connection.send(json.dumps({"uri": f"{self.scheme}://localhost:{port}/traffic"}))
                continue
            self.messages.append(json.loads(message))
            if self.messages[-1]["msgtype"] == "version":
                self.traffic = connection
                await connection.send(json.dumps(self.router))
            if self.messages[-1]["msgtype"] == "timesync" and self.gps_us is not None:
                answer = {"txtime": self.messages[-1]["txtime"], "gpstime": self.gps_us()}
                await connection.send(json.dumps({"msgtype": "timesync"} | answer))

    def of(self, msgtype: str) -> list[dict[str, object]]:
        return [message for message in self.messages if message["msgtype"] == msgtype]


class Gateway:
    def __init__(
        self, path: Path, connector: ConnectorConfig, *, quality: TimeQuality = TimeQuality.NTP
    ) -> None:
        self.clock = SystemClock(quality)
        self.radio = VirtualConcentrator(self.clock)
        self.journal = MemoryJournal(self.clock)
        configuration = Configuration(connectors=(connector,), fleet=FleetConfig(host="127.0.0.1", port=1))
        self.path = DataPath(
            concentrator=self.radio,
            configuration=configuration,
            eui=EUI,
            state_dir=path,
            clock=self.clock,
            boot=1,
            journal=self.journal,
        )

    async def __aenter__(self) -> "Gateway":
        self.task = asyncio.create_task(self.path.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def until(self, condition: object, timeout_s: float = 90.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not condition():
                await asyncio.sleep(0.01)
