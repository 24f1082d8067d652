"""What a whole agent holds in memory at 20 frames/s, by protocol: after its enrolment, and after a start."""

import asyncio
import json
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest

from agent.wire.configuration import ConnectorConfig, Intervals
from tests.controlpath.rig import Rig
from tests.controlpath.virtual import Broker
from tests.datapath.chirpstack import ChirpStack
from tests.datapath.station import StationServer
from tests.unit.agent.test_imports_at_start import NOT_AT_START

pytestmark = pytest.mark.soak
UNIT = Path(__file__).parents[2] / "firmware" / "units" / "passerelle-agent.service"
LIMIT_BYTES = 45_000_000
ENROLLED_LIMIT_BYTES = 46_000_000
"""In the life in which it enrolled, an agent still holds HTTP: until its next start."""
FRAMES = 300
ONLY_HERE = ("agent.connectors.", "email", "hal.twin", "http", "passerelle", "tests", "websockets")
"""The connector that is configured, HTTP for its enrolment, the virtual bus, and who started the agent."""
Made = TypeVar("Made")


def settings_of_the_allocator() -> dict[str, str]:
    """Return what the shipped unit says of memory; the package brings its modules compiled."""
    lines = [line.removeprefix("Environment=") for line in UNIT.read_text().splitlines()]
    found = dict(line.split("=", 1) for line in lines if line.startswith("MALLOC_"))
    assert found
    return found | {"PYTHONDONTWRITEBYTECODE": ""}


class Background:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Made]) -> Made:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(60)
        self.loop.close()


@contextmanager
def server(kind: str, rig: Rig, folder: Path) -> Iterator[tuple[ConnectorConfig, Callable[[], int]]]:
    """Give a connector of one kind to a server that runs, and how many frames that has."""
    background = Background()
    try:
        if kind == "semtech_udp":
            udp = ConnectorConfig(name="lns", host=rig.lns_host, port=rig.lns.port, contractual=True)
            yield udp, lambda: len(set(rig.lns.payloads))
        elif kind == "basics_station":
            station = StationServer(None)
            listening = background.run(station.start())
            yield connector(kind, station.port), lambda: len(station.of("updf"))
            listening.close()
            background.run(listening.wait_closed())
        else:
            folder.mkdir()
            with Broker(folder) as broker:
                chirpstack = ChirpStack(broker.port)
                background.run(chirpstack.start())
                yield connector(kind, broker.port), lambda: chirpstack.counts["up"]
                background.run(chirpstack.stop())
    finally:
        background.close()


def connector(kind: Any, port: int) -> ConnectorConfig:
    return ConnectorConfig(name="lns", kind=kind, host="localhost", port=port, contractual=True)


def rss_bytes(rig: Rig, arrived: Callable[[], int]) -> int:
    """Return the agent's resident memory after ``FRAMES`` frames that all arrived."""
    rig.wait_receiving()
    rig.wait_serving(time.monotonic())
    wanted = arrived() + FRAMES
    rig.frames(FRAMES)
    until = time.monotonic() + 90
    while arrived() < wanted:
        assert time.monotonic() < until, f"{wanted - arrived()} of {FRAMES} frames did not arrive"
        time.sleep(0.1)
    return int(psutil.Process(rig.pid).memory_info().rss)


@pytest.mark.parametrize("kind", ["semtech_udp", "chirpstack_mqtt", "basics_station"])
def test_a_whole_agent_stays_within_its_memory_and_loads_what_it_needs(tmp_path: Path, kind: str) -> None:
    loaded = tmp_path / "modules.json"
    with Rig(tmp_path) as rig, server(kind, rig, tmp_path / "lns") as (lns, arrived):
        rig.environment |= settings_of_the_allocator()
        rig.launcher = (sys.executable, "-m", "tests.soak.naming_modules", str(loaded))
        content = rig.content(connectors=(lns,), intervals=Intervals(heartbeat_s=1))
        bus = f"socket:{rig.folder / 'chip'}"
        authority = rig.authority.pem
        rig.flash(rig.fleet.order(content, enrol_url=rig.enrolment.url, fleet_ca_pem=authority, bus=bus))
        rig.start()
        enrolled = rss_bytes(rig, arrived)
        assert rig.stop() == 0
        modules = json.loads(loaded.read_text())
        unwanted = [name for name in NOT_AT_START if not name.startswith(ONLY_HERE)]
        assert not [name for name in modules if name.startswith(tuple(f"{each}." for each in unwanted))]
        assert not set(modules) & set(unwanted)
        rig.start()
        again = rss_bytes(rig, arrived)
        assert rig.stop() == 0
    print(f"\n{kind}: {enrolled / 1e6:.1f} MB RSS after the enrolment, {again / 1e6:.1f} after a start")
    assert again <= LIMIT_BYTES
    assert enrolled <= ENROLLED_LIMIT_BYTES
