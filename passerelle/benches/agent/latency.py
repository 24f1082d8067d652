"""Reception to socket, verdicts on downlinks, and what a gateway costs: idle, at 2, 20 and 50 frames/s."""

import asyncio
import statistics

from passerelle.benches.agent.rig import bench
from passerelle.figures import Figure

PEER = "sx1302_hal packet forwarder"
"""Needs the reference's binary and a bus that it can open; where it is absent its figures are null."""
QUIET_S = 6
"""After so long the pace of the radio is that of a quiet gateway (``agent.radio.pace``)."""
CORE = "% of a core"
HOW = "antenna of the twin to the server"


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
            isolated.extend(await made.traffic(2, 30))

        two = await made.cpu_percent(rarely)
        twenty = await made.cpu_percent(lambda: made.traffic(20, 20))
        busy = await made.traffic(50, 20)
        memory = made.child.memory_info().rss / 1e6
    return [
        *latency("reception to socket at 50 frames/s", busy, 5, 15),
        *latency("reception to socket at 2 frames/s", isolated, 12, 25),
        Figure(name="CPU idle", value=idle, unit=CORE, target=2, how="10 s"),
        Figure(name="CPU at 2 frames/s", value=two, unit=CORE, target=4, how="30 s"),
        Figure(name="CPU at 20 frames/s", value=twenty, unit=CORE, target=3, how="20 s", peer=PEER),
        Figure(name="bus transactions idle", value=per_s, unit="1/s", target=100, how="10 s"),
        Figure(name="memory", value=memory, unit="MB RSS", target=45, how="data path, after this traffic"),
    ]


async def two_servers() -> list[Figure]:
    """Measure what a silent second server does to the first."""
    async with bench(servers=2) as made:
        made.servers[1].answering = False
        await asyncio.sleep(3)
        busy = await made.traffic(50, 10)
        isolated = await made.traffic(2, 20)
    return [
        *latency("50 frames/s, one of two servers silent", busy, 5, 15),
        *latency("2 frames/s, one of two servers silent", isolated, 12, 25),
    ]
