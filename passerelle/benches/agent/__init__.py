"""The agent's data path in real time: the twin and the servers here, the data path in its own process.

Reception to socket is timed from the injection at the antenna to the datagram's arrival, both here.
"""

import asyncio
import os
import statistics
import tempfile
import time

from passerelle.benches.agent.rig import Bench, bench
from passerelle.figures import Figure

DAY_S = 86_400


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
        isolated: list[float] = []

        async def rarely() -> None:
            isolated.extend(await made.traffic(2, 20))

        before = made.written_bytes()
        two = await made.cpu_percent(rarely)
        answered = (made.written_bytes() - before) / 20
        away = await written_away(made)
        verdict = await verdict_ms(made)
        memory = made.child.memory_info().rss / 1e6
    how = "antenna of the twin to the server"
    core = "% of a core"
    return [
        *latency("reception to socket at 50 frames/s", busy, 5, 15, how),
        *latency("reception to socket at 2 frames/s", isolated, 12, 25, how),
        Figure(
            name="verdict on a downlink, median",
            value=verdict,
            unit="ms",
            target=2,
            how="PULL_RESP to TX_ACK",
        ),
        Figure(name="CPU idle", value=idle, unit=core, target=2, how="10 s"),
        Figure(name="CPU at 2 frames/s", value=two, unit=core, target=4, how="20 s"),
        Figure(name="bus transactions idle", value=per_s, unit="1/s", target=100, how="10 s"),
        daily("acknowledged in time", answered, 50, "/proc/PID/io over 20 s"),
        daily("server away all day", away, None, "every frame synchronised within 200 ms, a block each"),
        Figure(name="memory", value=memory, unit="MB RSS", target=70, how="after this traffic"),
    ]


def daily(when: str, bytes_per_s: float, target: float | None, how: str) -> Figure:
    """Return what is written in a day."""
    name = f"written a day at 2 frames/s, {when}"
    return Figure(name=name, value=bytes_per_s * DAY_S / 1e6, unit="MB", target=target, how=how)


async def written_away(made: Bench) -> float:
    """Return the bytes a second that 2 frames/s cost while the server is silent."""
    made.servers[0].answering = False
    await asyncio.sleep(4)
    before = made.written_bytes()
    await made.traffic(2, 20)
    written = (made.written_bytes() - before) / 20
    made.servers[0].answering = True
    await asyncio.sleep(3)
    return written


async def verdict_ms(made: Bench) -> float:
    """Return the median time from PULL_RESP to TX_ACK."""
    for _ in range(20):
        made.servers[0].ask()
        await asyncio.sleep(0.15)
    return 1000 * statistics.median(made.servers[0].verdicts)


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
        await asyncio.sleep(4)
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
