"""The twin and the servers around the process that is measured."""

import asyncio
import base64
import json
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from hal.packets import Lora
from hal.twin.chip import VirtualChip
from hal.twin.lines.server import TwinServer
from hal.twin.rf_event import ReceptionVerdict, RfEvent

LOSS_WAIT_S = 5.0
START_LIMIT_S = 60.0
RECEIVE_BUFFER_BYTES = 4 << 20
"""The server's; what this machine allows of it."""


def payload_of(number: int, addresses: int) -> bytes:
    """Return a data frame; its number is in the FRMPayload."""
    address = 0x26000000 + number % addresses
    head = b"\x40" + address.to_bytes(4, "little") + b"\x00" + (number & 0xFFFF).to_bytes(2, "little")
    return head + b"\x01" + number.to_bytes(5, "big") + bytes(4)


def data_of(number: int, addresses: int) -> str:
    """Return the same frame as a PUSH_DATA carries it."""
    return base64.b64encode(payload_of(number, addresses)).decode()


TXPK: dict[str, object] = {
    "freq": 869.525,
    "modu": "LORA",
    "datr": "SF7BW125",
    "codr": "4/5",
    "powe": 14,
    "data": "YQ==",
}


class Server(asyncio.DatagramProtocol):
    """Acknowledges; notes when each frame arrived."""

    def __init__(self) -> None:
        self.answering = True
        self.arrived: dict[str, float] = {}
        self.first_at = 0.0
        self.verdicts: list[float] = []
        self.acks: list[str] = []
        self.tmst: dict[str, int] = {}
        self._asked_at = 0.0
        self._gateway: tuple[str, int] | None = None

    async def listen(self) -> int:
        """Listen on a free port and return it."""
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        listening = self.transport.get_extra_info("socket")
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        return int(listening.getsockname()[1])

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer as a network server does."""
        now = time.perf_counter()
        self.first_at = self.first_at or now
        if data[3] == 5:
            self.verdicts.append(now - self._asked_at)
            body = json.loads(data[12:] or b"{}")
            self.acks.append(body.get("txpk_ack", {}).get("error", "NONE"))
        if data[3] == 2:
            self._gateway = addr
        if not self.answering:
            return
        if data[3] == 2:
            self.transport.sendto(data[:3] + b"\x04", addr)
        if data[3] == 0:
            self.transport.sendto(data[:3] + b"\x01", addr)
            for frame in json.loads(data[12:]).get("rxpk", ()):
                self.arrived.setdefault(frame["data"], now)
                self.tmst[frame["data"]] = frame["tmst"]

    def ask(self, tmst: int | None = None) -> None:
        """Ask for a downlink: of class C, or at a counter."""
        when: dict[str, object] = {"imme": True} if tmst is None else {"tmst": tmst % (1 << 32)}
        body = json.dumps({"txpk": TXPK | when}).encode()
        assert self._gateway is not None
        self._asked_at = time.perf_counter()
        self.transport.sendto(b"\x02\x00\x07\x03" + body, self._gateway)


class Bench:
    """One twin, its servers, and the process that is measured."""

    def __init__(self, directory: Path, *, servers: int = 1, rate: int = 20) -> None:
        self.directory = directory
        self.servers = [Server() for _ in range(servers)]
        self.rate = rate
        self.numbers = 0
        self.sent: dict[str, float] = {}

    async def start(self) -> None:
        """Start everything and wait until frames can flow."""
        self.chip = VirtualChip()
        self.path = self.directory / "chip.sock"
        self.twin = TwinServer(self.chip, self.path)
        self.twin.start()
        self.ports = [await server.listen() for server in self.servers]
        self.spawn()
        await self.ready()

    def spawn(self) -> None:
        """Start the process that is measured."""
        served = Path(__file__).with_name("serve.py")
        command = [sys.executable, "-P", str(served), str(self.path)]
        command += [str(self.directory), str(self.rate), *map(str, self.ports)]
        self.spawned_at = time.perf_counter()
        self.child = psutil.Process(subprocess.Popen(command).pid)

    async def ready(self) -> None:
        """Wait until the first server is asked and, where it answers, until a frame gets through."""
        server, deadline = self.servers[0], time.perf_counter() + START_LIMIT_S
        while not (server.arrived or (server.first_at and not server.answering)):
            if time.perf_counter() > deadline:
                raise RuntimeError(f"the data path did not come up within {START_LIMIT_S} s")
            if server.answering:
                self.inject(1)
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)
        self.sent.clear()

    def stop(self) -> None:
        """End the process and the twin."""
        self.child.terminate()
        self.child.wait(10)
        self.twin.close()
        for server in self.servers:
            server.transport.close()

    def inject(self, addresses: int) -> None:
        """Put one frame on air, and note when."""
        self.numbers += 1
        payload, data = payload_of(self.numbers, addresses), data_of(self.numbers, addresses)
        self.sent[data] = time.perf_counter()
        event = RfEvent(payload=payload, modulation=Lora(sf=7), frequency_hz=868_100_000)
        if self.chip.inject(event) is not ReceptionVerdict.HEARD:
            del self.sent[data]

    async def traffic(self, per_s: float, duration_s: float, addresses: int = 200) -> list[float]:
        """Put frames on air at random instants; return the milliseconds each took to the first server."""
        self.sent.clear()
        shuffle = random.Random(5)  # noqa: S311  # a seed, no secret
        end = time.perf_counter() + duration_s
        while time.perf_counter() < end:
            await asyncio.sleep(
                shuffle.expovariate(per_s) if per_s > 5 else shuffle.uniform(0.9, 1.1) / per_s
            )
            self.inject(addresses)
        deadline = time.perf_counter() + LOSS_WAIT_S
        arrived = self.servers[0].arrived
        while not self.sent.keys() <= arrived.keys() and time.perf_counter() < deadline:
            await asyncio.sleep(0.02)
        return [1000 * (arrived[data] - at) for data, at in self.sent.items() if data in arrived]

    async def cpu_percent(self, wait: Callable[[], Awaitable[object]]) -> float:
        """Return the share of a core that the process used while ``wait`` ran."""
        before, started = sum(self.child.cpu_times()[:2]), time.perf_counter()
        await wait()
        used = float(sum(self.child.cpu_times()[:2]) - before)
        return 100 * used / (time.perf_counter() - started)

    def written_bytes(self) -> tuple[int, int]:
        """Return the bytes that the disk took from the process, and those that it handed over."""
        counters = self.child.io_counters()
        return int(counters.write_bytes), int(counters.write_chars)


@asynccontextmanager
async def bench(
    *,
    servers: int = 1,
    rate: int = 20,
    answering: bool = True,
    prepare: Callable[[Path], None] = lambda _: None,
) -> AsyncIterator[Bench]:
    """Run a bench in a directory of its own; ``prepare`` puts there what an earlier run left."""
    with tempfile.TemporaryDirectory() as directory:
        prepare(Path(directory))
        made = Bench(Path(directory), servers=servers, rate=rate)
        made.servers[0].answering = answering
        await made.start()
        try:
            yield made
        finally:
            made.stop()
