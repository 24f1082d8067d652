"""The agent's data path in real time: the twin and the servers here, the data path in its own process.

Reception to socket is timed from the injection at the antenna to the datagram's arrival, both here.
``python -m passerelle.benches.agent --serve SOCKET DIRECTORY RATE PORT...`` is the other process.
"""

import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from passerelle.figures import Figure

DAY_S = 86_400
LOSS_WAIT_S = 5.0


def payload_of(number: int, addresses: int) -> bytes:
    """Return a data frame; its number is in the FRMPayload."""
    address = 0x26000000 + number % addresses
    head = b"\x40" + address.to_bytes(4, "little") + b"\x00" + (number & 0xFFFF).to_bytes(2, "little")
    return head + b"\x01" + number.to_bytes(5, "big") + bytes(4)


class Server(asyncio.DatagramProtocol):
    """Acknowledges; notes when each frame arrived."""

    def __init__(self) -> None:
        self.answering = True
        self.arrived: dict[str, float] = {}
        self.verdicts: list[float] = []
        self._asked_at = 0.0
        self._gateway: tuple[str, int] | None = None

    async def listen(self) -> int:
        """Listen on a free port and return it."""
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return int(self.transport.get_extra_info("sockname")[1])

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer as a network server does."""
        now = time.perf_counter()
        if data[3] == 5:
            self.verdicts.append(now - self._asked_at)
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

    def ask(self) -> None:
        """Ask for a class C downlink."""
        body = b'{"txpk":{"imme":true,"freq":869.525,"datr":"SF7BW125","powe":14,"data":"YQ==","codr":"4/5"}}'
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
        from hal.twin.chip import VirtualChip
        from hal.twin.server import TwinServer

        self.chip = VirtualChip()
        self.socket = self.directory / "chip.sock"
        self.twin = TwinServer(self.chip, self.socket)
        self.twin.start()
        self.ports = [await server.listen() for server in self.servers]
        self.spawn()
        await self.ready()

    def spawn(self) -> None:
        """Start the process that is measured."""
        command = [sys.executable, "-m", "passerelle.benches.agent", "--serve", str(self.socket)]
        command += [str(self.directory), str(self.rate), *map(str, self.ports)]
        self.child = psutil.Process(subprocess.Popen(command).pid)

    async def ready(self) -> None:
        """Wait until a frame gets through."""
        for _ in range(100):
            self.inject(1)
            await asyncio.sleep(0.1)
            if self.servers[0].arrived or not self.servers[0].answering:
                break
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
        import base64

        from hal.packets import Lora
        from hal.twin.rf_event import RfEvent, Verdict

        self.numbers += 1
        payload = payload_of(self.numbers, addresses)
        data = base64.b64encode(payload).decode()
        self.sent[data] = time.perf_counter()
        event = RfEvent(payload=payload, modulation=Lora(sf=7), frequency_hz=868_100_000)
        if self.chip.inject(event) is not Verdict.HEARD:
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

    def written_bytes(self) -> int:
        """Return what the process has written to the disk."""
        return int(self.child.io_counters().write_bytes)


@asynccontextmanager
async def bench(*, servers: int = 1, rate: int = 20) -> AsyncIterator[Bench]:
    """Run a bench in a directory of its own."""
    with tempfile.TemporaryDirectory() as directory:
        made = Bench(Path(directory), servers=servers, rate=rate)
        await made.start()
        try:
            yield made
        finally:
            made.stop()


def latency(name: str, took_ms: list[float], median_ms: float, p99_ms: float, how: str) -> list[Figure]:
    """Return median and 99th percentile of a run."""
    ordered = sorted(took_ms)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] if ordered else None
    median = statistics.median(ordered) if ordered else None
    peer = "sx1302_hal packet forwarder 2.1.0"
    return [
        Figure(
            name=f"{name}, median",
            value=median,
            unit="ms",
            target=median_ms,
            how=how,
            peer=peer,
            peer_value=5,
        ),
        Figure(name=f"{name}, p99", value=p99, unit="ms", target=p99_ms, how=how, peer=peer, peer_value=10.4),
    ]


async def live_figures() -> list[Figure]:
    """Measure an idle and a busy gateway."""
    async with bench() as made:
        transactions = made.chip.transactions
        idle = await made.cpu_percent(lambda: asyncio.sleep(10))
        per_s = (made.chip.transactions - transactions) / 10
        busy = await made.traffic(50, 12)
        isolated_took: list[float] = []

        async def isolated() -> None:
            isolated_took.extend(await made.traffic(2, 20))

        before = made.written_bytes()
        two = await made.cpu_percent(isolated)
        answered = (made.written_bytes() - before) / 20
        made.servers[0].answering = False
        await asyncio.sleep(3)
        before = made.written_bytes()
        await made.traffic(2, 20)
        away = (made.written_bytes() - before) / 20
        made.servers[0].answering = True
        await asyncio.sleep(3)
        for _ in range(20):
            made.servers[0].ask()
            await asyncio.sleep(0.15)
        verdict = 1000 * statistics.median(made.servers[0].verdicts)
        memory = made.child.memory_info().rss / 1e6
    return [
        *latency("reception to socket at 50 frames/s", busy, 5, 15, "antenna of the twin to the server"),
        *latency(
            "reception to socket at 2 frames/s", isolated_took, 12, 25, "antenna of the twin to the server"
        ),
        Figure(
            name="verdict on a downlink, median",
            value=verdict,
            unit="ms",
            target=2,
            how="PULL_RESP to TX_ACK",
        ),
        Figure(name="CPU idle", value=idle, unit="% of a core", target=2, how="10 s"),
        Figure(name="CPU at 2 frames/s", value=two, unit="% of a core", target=4, how="20 s"),
        Figure(name="bus transactions idle", value=per_s, unit="1/s", target=100, how="10 s"),
        Figure(
            name="written a day at 2 frames/s, acknowledged in time",
            value=answered * DAY_S / 1e6,
            unit="MB",
            target=50,
            how="/proc/PID/io over 20 s",
        ),
        Figure(
            name="written a day at 2 frames/s, server away all day",
            value=away * DAY_S / 1e6,
            unit="MB",
            target=None,
            how="the same; every frame is synchronised within 200 ms, a block each",
        ),
        Figure(name="memory", value=memory, unit="MB RSS", target=70, how="after this traffic"),
    ]


async def two_servers() -> list[Figure]:
    """Measure what a silent second server does to the first."""
    async with bench(servers=2) as made:
        made.servers[1].answering = False
        await asyncio.sleep(3)
        took = await made.traffic(50, 10)
    return latency("the same, one of two servers silent", took, 5, 15, "50 frames/s")


async def backlog(frames: int = 12_000, addresses: int = 1_000) -> list[Figure]:
    """Measure how a backlog is written, and drained beside live traffic."""
    async with bench(rate=1_000) as made:
        server = made.servers[0]
        server.answering = False
        await asyncio.sleep(2.5)
        server.arrived.clear()
        for number in range(frames):
            made.inject(addresses)
            if number % 20 == 19:
                await asyncio.sleep(0.03)
        await asyncio.sleep(4)
        stored = set(made.sent)
        server.answering, started = True, time.perf_counter()
        while not stored & server.arrived.keys() and time.perf_counter() - started < 60:
            await asyncio.sleep(0.02)
        live = await made.traffic(2, 8, addresses=1 << 20)
        while not stored <= server.arrived.keys() and time.perf_counter() - started < 60:
            await asyncio.sleep(0.1)
        got = [at - started for data, at in server.arrived.items() if data in stored]
    took = max(got) - min(got) if got else None
    p99 = max(live) if live else None
    return [
        Figure(
            name="drain of a backlog",
            value=len(got) / took if took else None,
            unit="frames/s",
            target=500,
            better="higher",
            how=f"{frames} frames of {addresses} addresses, drain_frames_per_s 1000",
        ),
        Figure(name="frames of the backlog lost", value=len(stored) - len(got), unit="", target=0),
        Figure(name="live frame beside the drain, slowest", value=p99, unit="ms", target=100, how="2/s"),
        Figure(
            name="first frame after the server is back",
            value=min(got) if got else None,
            unit="s",
            target=2,
            peer="Basics Station 2.0.6",
            peer_value=6.1,
        ),
    ]


def machine_figures() -> list[Figure]:
    """Return what this machine itself costs: a synchronised write."""
    took = []
    with tempfile.NamedTemporaryFile() as file:
        for _ in range(50):
            started = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            took.append(1000 * (time.perf_counter() - started))
    return [Figure(name="fsync of 4 KiB, median", value=statistics.median(took), unit="ms", target=None)]


async def _measured() -> list[Figure]:
    return [*machine_figures(), *await live_figures(), *await two_servers(), *await backlog()]


def measure() -> list[Figure]:
    """Return the figures of this run; takes about two minutes."""
    return asyncio.run(_measured())


async def _serve(arguments: list[str]) -> None:
    from agent.clock import SystemClock
    from agent.datapath import DataPath
    from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig
    from agent.wire.messages import TimeQuality
    from hal.open import open_concentrator

    socket, directory, rate, *ports = arguments
    connectors = tuple(
        ConnectorConfig(
            name=f"lns{n}", host="127.0.0.1", port=int(port), contractual=n == 0, drain_frames_per_s=int(rate)
        )
        for n, port in enumerate(ports)
    )
    datapath = DataPath(
        concentrator=open_concentrator(f"socket:{socket}", "rak2287"),
        configuration=Configuration(connectors=connectors, fleet=FleetConfig(host="127.0.0.1", port=1)),
        eui="0016c001f12a3b4c",
        state_dir=Path(directory),
        clock=SystemClock(TimeQuality.NTP),
        boot=1,
        observe=lambda _: None,
    )
    await datapath.run()


if __name__ == "__main__" and sys.argv[1:2] == ["--serve"]:
    asyncio.run(_serve(sys.argv[2:]))
