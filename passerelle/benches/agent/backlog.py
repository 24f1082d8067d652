"""A backlog that an outage left: how quickly the agent starts with it, and drains it beside live traffic."""

import statistics
import time
from functools import partial
from pathlib import Path

from agent.record import Record, record_of
from agent.spool.disk import SpoolDisk
from agent.spool.files import FILE_NAME
from agent.wire.messages import TimeQuality
from hal.packets import Crc, Lora, ReceivedFrame
from hal.units import Dbm, Hz, Micros
from passerelle.benches.agent.rig import Bench, bench, data_of, payload_of
from passerelle.benches.agent.wear import daily, file_system
from passerelle.figures import Figure

FRAMES = 60_000
ADDRESSES = 1_200
SPACING_US = 500_000
"""2 frames/s."""
BATCH = 2_000
DRAIN_FRAMES_PER_S = 800
LIVE_ADDRESSES = 1 << 20
"""Live frames come from devices without a backlog."""
LIVE_FRAMES_PER_S = 2
LIVE_S = 5
DRAIN_LIMIT_S = 1_200
STATION = "Basics Station"
"""Not installed here: its figure is null."""


def fill(directory: Path, frames: int, addresses: int) -> None:
    """Write the spool that an earlier run left after that many frames at 2/s without a server."""
    disk = SpoolDisk(directory / FILE_NAME)
    bit = 1 << disk.bit_of("lns0")
    received_from_us = time.time_ns() // 1000 - frames * SPACING_US
    for first in range(1, frames + 1, BATCH):
        numbers = range(first, min(first + BATCH, frames + 1))
        disk.commit([(stored(n, addresses, received_from_us), bit) for n in numbers], [])
    disk.close()


def stored(number: int, addresses: int, from_us: int) -> Record:
    """Return one record of an earlier boot."""
    frame = ReceivedFrame(
        payload=payload_of(number, addresses),
        modulation=Lora(sf=7),
        frequency_hz=Hz(868_100_000),
        counter_us=Micros(number * SPACING_US),
        rf_chain=0,
        if_channel=2,
        crc=Crc.OK,
        rssi_channel_dbm=Dbm(-97.0),
        rssi_signal_dbm=Dbm(-98.0),
        snr_db=5.5,
    )
    return record_of(
        frame,
        record_id=number,
        received_at_us=from_us + number * SPACING_US,
        time_quality=TimeQuality.NTP,
        boot=0,
        monotonic_us=number * SPACING_US,
        session=1,
    )


async def backlog(frames: int = FRAMES, addresses: int = ADDRESSES) -> list[Figure]:
    """Measure the start and the drain."""
    waiting = [data_of(number, addresses) for number in range(1, frames + 1)]
    prepare = partial(fill, frames=frames, addresses=addresses)
    async with bench(rate=DRAIN_FRAMES_PER_S, answering=False, prepare=prepare) as made:
        server = made.servers[0]
        start_s = server.first_at - made.spawned_at
        made.numbers = frames
        rested = made.child.memory_info().rss / 1e6
        before = made.written_bytes()
        server.answering, back = True, time.perf_counter()
        live, most = await _beside(made, set(waiting))
        cost = [(after - then) / frames for after, then in zip(made.written_bytes(), before, strict=True)]
        disk = file_system(made.directory)
        times = sorted(server.arrived[data] - back for data in waiting if data in server.arrived)
    how = f"{frames} frames at 2/s of {addresses} addresses, drain_frames_per_s {DRAIN_FRAMES_PER_S}"
    took = times[-1] - times[0] if len(times) > 1 else None
    p99 = statistics.quantiles(live, n=100)[98] if len(live) > 1 else None
    first = times[0] if times else None
    return [
        Figure(
            name="start with a backlog", value=start_s, unit="s", target=None, how="to the first datagram"
        ),
        Figure(name="first frame after the server is back", value=first, unit="s", target=2, peer=STATION),
        Figure(
            name="drain of a backlog",
            value=len(times) / took if took else None,
            unit="frames/s",
            target=500,
            better="higher",
            how=how,
        ),
        daily("a day's backlog leaving", (cost[0], cost[1]), None, disk),
        Figure(name="frames of the backlog lost", value=frames - len(times), unit="", target=0),
        Figure(name="live frames beside the drain, p99", value=p99, unit="ms", target=100, how="2/s"),
        Figure(name="memory with a backlog at rest", value=rested, unit="MB RSS", target=70),
        Figure(name="memory while it drains, most", value=most, unit="MB RSS", target=70, how=how),
    ]


async def _beside(made: Bench, waiting: set[str]) -> tuple[list[float], float]:
    """Return how long live frames took (ms) and the most memory (MB) until the backlog was there."""
    live: list[float] = []
    most, arrived = 0.0, made.servers[0].arrived
    until = time.perf_counter() + DRAIN_LIMIT_S
    while not waiting <= arrived.keys() and time.perf_counter() < until:
        live += await made.traffic(LIVE_FRAMES_PER_S, LIVE_S, addresses=LIVE_ADDRESSES)
        most = max(most, made.child.memory_info().rss / 1e6)
    return live, most
