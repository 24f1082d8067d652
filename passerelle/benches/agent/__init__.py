"""The agent's data path in real time: the twin and the servers here, the data path in its own process.

Reception to socket is timed from the injection at the antenna to the datagram's arrival, both here.
"""

import asyncio
import os
import socket
import statistics
import tempfile
import time

from passerelle.benches.agent.backlog import backlog
from passerelle.benches.agent.downlinks import downlinks
from passerelle.benches.agent.rig import bench
from passerelle.benches.agent.wear import wear
from passerelle.figures import Figure

REPEATS = 50
PEER = "sx1302_hal packet forwarder"
"""Needs the reference's binary and a bus that it can open; where it is absent its figures are null."""
QUIET_S = 6
"""After so long the pace of the radio is that of a quiet gateway (``agent.radio.pace``)."""
RARE_S = 60
"""At 2 frames/s: 120 frames, so that the 99th percentile is not simply the slowest."""
CORE = "% of a core"
HOW = "antenna of the twin to the server"
AFTER = "data path, after this traffic"


def machine_figures() -> list[Figure]:
    """Return what this machine itself costs: a synchronised write, a datagram over loopback and back."""
    return [
        Figure(name="fsync of 4 KiB, median", value=fsync_ms(), unit="ms", target=None, how="this machine"),
        Figure(
            name="loopback round trip, median",
            value=loopback_ms(),
            unit="ms",
            target=None,
            how="this machine, UDP",
        ),
    ]


def fsync_ms() -> float:
    """Return the median of a synchronised write of one block."""
    took = []
    with tempfile.NamedTemporaryFile() as file:
        for _ in range(REPEATS):
            started = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            took.append(1000 * (time.perf_counter() - started))
    return statistics.median(took)


def loopback_ms() -> float:
    """Return the median of a datagram there and back."""
    took = []
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far,
    ):
        for end in (near, far):
            end.bind(("127.0.0.1", 0))
            end.settimeout(1)
        for _ in range(REPEATS):
            started = time.perf_counter()
            near.sendto(b"there", far.getsockname())
            far.sendto(*far.recvfrom(64))
            near.recv(64)
            took.append(1000 * (time.perf_counter() - started))
    return statistics.median(took)


def latency(name: str, took_ms: list[float], median_ms: float, p99_ms: float, how: str = HOW) -> list[Figure]:
    """Return median and 99th percentile of a run."""
    ordered = sorted(took_ms)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] if ordered else None
    median = statistics.median(ordered) if ordered else None
    shown = f"{how}, {len(ordered)} frames"
    return [
        Figure(name=f"{name}, median", value=median, unit="ms", target=median_ms, how=shown, peer=PEER),
        Figure(name=f"{name}, p99", value=p99, unit="ms", target=p99_ms, how=shown, peer=PEER),
    ]


async def one_gateway() -> list[Figure]:
    """Measure a gateway with one server that answers."""
    async with bench() as made:
        await asyncio.sleep(QUIET_S)
        before = made.chip.transactions
        idle = await made.cpu_percent(lambda: asyncio.sleep(10))
        per_s = (made.chip.transactions - before) / 10
        isolated: list[float] = []

        async def rarely() -> None:
            isolated.extend(await made.traffic(2, RARE_S))

        two = await made.cpu_percent(rarely)
        twenty = await made.cpu_percent(lambda: made.traffic(20, 20))
        busy = await made.traffic(50, 20)
        memory = made.child.memory_full_info()
    return [
        *latency("reception to socket at 50 frames/s", busy, 5, 15),
        *latency("reception to socket at 2 frames/s", isolated, 12, 25),
        Figure(name="CPU idle", value=idle, unit=CORE, target=2, how="10 s"),
        Figure(name="CPU at 2 frames/s", value=two, unit=CORE, target=4, how=f"{RARE_S} s"),
        Figure(name="CPU at 20 frames/s", value=twenty, unit=CORE, target=3, how="20 s", peer=PEER),
        Figure(name="bus transactions idle", value=per_s, unit="1/s", target=40, how="10 s"),
        Figure(name="memory", value=memory.rss / 1e6, unit="MB RSS", target=45, how=AFTER),
        Figure(
            name="memory, its share of what is shared",
            value=memory.pss / 1e6,
            unit="MB PSS",
            target=None,
            how=AFTER,
        ),
        Figure(name="memory, its own alone", value=memory.uss / 1e6, unit="MB USS", target=30, how=AFTER),
    ]


async def two_servers() -> list[Figure]:
    """Measure what a silent second server does to the first."""
    async with bench(servers=2) as made:
        made.servers[1].answering = False
        await asyncio.sleep(3)
        busy = await made.traffic(50, 10)
        isolated = await made.traffic(2, RARE_S)
    return [
        *latency("50 frames/s, one of two servers silent", busy, 5, 15),
        *latency("2 frames/s, one of two servers silent", isolated, 12, 25),
    ]


async def _measured() -> list[Figure]:
    figures = machine_figures()
    for part in (one_gateway, two_servers, downlinks, wear, backlog):
        figures += await part()
    return figures


def measure() -> list[Figure]:
    """Return the figures of this run; takes about six minutes."""
    return asyncio.run(_measured())
