"""What the disk takes at 2 frames/s: while the server answers, and while it is away.

*Handed over* is what the process gave to write (``wchar`` of /proc/PID/io), *on disk* the blocks that the
file system took for it (``write_bytes``): a block of 4 KiB is the least that a synchronised commit costs.
"""

import asyncio
from pathlib import Path

import psutil

from passerelle.benches.agent.rig import Bench, bench
from passerelle.figures import Figure

DAY_FRAMES = 2 * 86_400
RATE = 2
MEASURED_S = 20
AWAY_AFTER_S = 4
BLOCK_BYTES = 4096


async def wear() -> list[Figure]:
    """Measure both cases one after another."""
    async with bench() as made:
        disk = file_system(made.directory)
        answered = await _over(made, MEASURED_S * RATE)
        made.servers[0].answering = False
        await asyncio.sleep(AWAY_AFTER_S)
        away = await _over(made, MEASURED_S * RATE)
    floor = BLOCK_BYTES * DAY_FRAMES / 1e6
    return [
        daily("acknowledged in time", answered, 50, disk),
        daily(
            "server away all day", away, None, f"{disk}; least for one synchronised block a frame {floor:.0f}"
        ),
    ]


async def _over(made: Bench, frames: int) -> tuple[float, float]:
    """Return the bytes (on disk, handed over) that a frame cost."""
    before, handed = made.written_bytes()
    await made.traffic(RATE, frames / RATE)
    after, handed_after = made.written_bytes()
    return (after - before) / frames, (handed_after - handed) / frames


def daily(when: str, cost: tuple[float, float], target: float | None, how: str) -> Figure:
    """Return what a cost a frame, (on disk, handed over), makes in a day."""
    on_disk, handed = cost
    return Figure(
        name=f"written a day at 2 frames/s, {when}",
        value=on_disk * DAY_FRAMES / 1e6,
        unit="MB",
        target=target,
        how=f"{on_disk:.0f} bytes a frame on disk, {handed:.0f} handed over; {how}",
    )


def file_system(folder: Path) -> str:
    """Return the type of the file system that holds ``folder``."""
    mounts = [
        part for part in psutil.disk_partitions(all=True) if folder.resolve().is_relative_to(part.mountpoint)
    ]
    return max(mounts, key=lambda part: len(part.mountpoint)).fstype if mounts else "unknown file system"
