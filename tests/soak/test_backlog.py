"""What 72 hours without a server leave: the start and the drain; a disk that is full; memory that is flat.

Real time on the twin; the server takes all that comes over loopback.  Rates are printed beside their targets
and held by ``passerelle bench agent``: they depend on what else this machine does.
"""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.clock import SystemClock
from agent.datapath import DataPath
from agent.journal_port import MemoryJournal
from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig
from agent.wire.messages import Change, TimeQuality
from passerelle.benches.agent.backlog import ADDRESSES, backlog
from passerelle.benches.agent.rig import bench
from passerelle.figures import render
from tests.datapath.relays import UdpRelay, Weather
from tests.datapath.virtual import UdpServer, VirtualConcentrator, data_up

pytestmark = pytest.mark.soak
HOURS_72_FRAMES = 72 * 3600 * 2
DISK_BYTES = 400_000
FLOW_FRAMES_PER_S = 100
WARM_S = 10
FLOW_S = 120
FLAT_MB = 2.0
EUI = "0016c001f12a3b4c"


def test_72_hours_of_frames_drain_beside_live_traffic() -> None:
    figures = asyncio.run(backlog(HOURS_72_FRAMES, ADDRESSES))
    print(render("72 h of backlog", figures, as_json=False))
    values = {figure.name: figure.value for figure in figures}
    assert values["frames of the backlog lost"] == 0
    assert [figure.name for figure in figures if figure.unit == "MB RSS" and not figure.met] == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of a few hundred kilobytes."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a file system")
    folder = tmp_path / "disk"
    folder.mkdir()
    options = f"size={DISK_BYTES}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_stops_no_frame_and_is_told(small_disk: Path) -> None:
    asyncio.run(full_disk(small_disk))


async def full_disk(folder: Path) -> None:
    """Fill the disk beside the spool, send frames to a slow server, make room again."""
    server = await UdpServer().listen()
    relay = UdpRelay(server.port)
    relay.weather = Weather(delay_s=0.3)
    clock = SystemClock(TimeQuality.NTP)
    radio, journal = VirtualConcentrator(clock), MemoryJournal(clock)
    connector = ConnectorConfig(name="lns", host="127.0.0.1", port=await relay.start(), contractual=True)
    gateway = DataPath(
        concentrator=radio,
        configuration=Configuration(connectors=(connector,), fleet=FleetConfig(host="127.0.0.1", port=1)),
        eui=EUI,
        state_dir=folder,
        clock=clock,
        boot=1,
        journal=journal,
    )
    task = asyncio.create_task(gateway.run())
    try:
        await server.until(lambda: radio.running and server.gateway)
        filler = folder / "filler"
        fill(filler)
        sent = await heard(radio, server, 40, first=0)
        assert not gateway.snapshot().spool_accepting
        filler.unlink()
        sent += await heard(radio, server, 40, first=40)
        await server.until(lambda: gateway.snapshot().spool_accepting, 20)
        await server.until(lambda: gateway.snapshot().delivered == sent, 20)
        assert gateway.snapshot().dropped == {}
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        relay.close()
        server.transport.close()
    told = [entry.value for entry in journal.changes() if entry.change is Change.SPOOL]
    print(f"full disk: {sent} frames delivered, the journal says {told}")
    assert told[:2] == ["FULL", "ACCEPTING"]


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


async def heard(radio: VirtualConcentrator, server: UdpServer, count: int, *, first: int) -> int:
    """Put frames on air and wait until the server has them all; return how many."""
    for number in range(first, first + count):
        radio.inject(data_up(0x26000000 + number, number))
        await asyncio.sleep(0.02)
    await server.until(lambda: len({frame["data"] for frame in server.frames}) >= first + count, 20)
    return count


def test_memory_is_flat_while_frames_flow() -> None:
    before, after, frames = asyncio.run(memory_over(FLOW_FRAMES_PER_S, FLOW_S))
    print(f"memory: {before:.1f} MB RSS after the first frames, {after:.1f} MB after {frames} more")
    assert after - before <= FLAT_MB


async def memory_over(per_s: float, duration_s: float) -> tuple[float, float, int]:
    """Return the memory (MB RSS) before and after a flow of frames, and how many arrived."""
    async with bench() as made:
        await made.traffic(per_s, WARM_S)
        before = made.child.memory_info().rss / 1e6
        took = await made.traffic(per_s, duration_s)
        return before, made.child.memory_info().rss / 1e6, len(took)
