"""The agent, a real Mosquitto and a ChirpStack shaped as the real one: what is lost when one goes away."""

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from agent.clock import SystemClock
from agent.connectors.end_to_end.device import ANSWER_WAIT_US
from agent.datapath import DataPath
from agent.journal_port import MemoryJournal
from agent.wire import reasons
from agent.wire.configuration import Configuration, ConnectorConfig, EndToEndConfig, FleetConfig
from agent.wire.messages import TimeQuality
from tests.datapath.broker import MOSQUITTO
from tests.datapath.chirpstack import ChirpStack, Device, sealed
from tests.datapath.virtual import VirtualConcentrator

pytestmark = [pytest.mark.e2e, pytest.mark.anyio]
EUI = "0016c001f12a3b4c"
KEY = bytes(range(16))
FIRST_ADDRESS = 0x26000001
DEVICES = 5
AWAY_S = 4.0
PACE_S = 0.2
"""Between two frames of the whole; each device speaks once a second."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Broker:
    """Mosquitto on one port for the whole test, however often it is killed."""

    def __init__(self, folder: Path) -> None:
        if not Path(MOSQUITTO).exists():
            pytest.fail(f"{MOSQUITTO} is not installed: make system")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._settings = folder / "mosquitto.conf"
        self._settings.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser root\n")
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen([MOSQUITTO, "-c", str(self._settings)], stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(5)


class World:
    """One gateway, one broker, one ChirpStack with its devices."""

    def __init__(self, folder: Path, *, end_to_end: EndToEndConfig | None = None) -> None:
        self.broker = Broker(folder)
        self.lns = ChirpStack(self.broker.port)
        self.lns.devices |= {FIRST_ADDRESS + n: Device(key=KEY) for n in range(DEVICES)}
        self.clock = SystemClock(TimeQuality.NTP)
        self.radio = VirtualConcentrator(self.clock)
        self.journal = MemoryJournal(self.clock)
        connector = ConnectorConfig(
            name="cs", kind="chirpstack_mqtt", host="127.0.0.1", port=self.broker.port, contractual=True
        )
        self.path = DataPath(
            concentrator=self.radio,
            configuration=Configuration(
                connectors=(connector,),
                fleet=FleetConfig(host="127.0.0.1", port=1),
                end_to_end=end_to_end or EndToEndConfig(),
            ),
            eui=EUI,
            state_dir=folder / "state",
            clock=self.clock,
            boot=1,
            journal=self.journal,
        )
        self.sent = 0

    async def speak(self, duration_s: float) -> None:
        """Let the devices send in turn."""
        for _ in range(round(duration_s / PACE_S)):
            number, turn = self.sent % DEVICES, self.sent // DEVICES
            self.radio.inject(sealed(KEY, FIRST_ADDRESS + number, turn))
            self.sent += 1
            await asyncio.sleep(PACE_S)

    async def until(self, condition: Callable[[], object], limit_s: float = 45.0) -> None:
        async with asyncio.timeout(limit_s):
            while not condition():
                await asyncio.sleep(0.02)

    @property
    def up(self) -> bool:
        return any(lns.up for lns in self.path.snapshot().connectors)

    def nothing_is_lost(self) -> None:
        """Every frame reached the application once and in order; the server saw no counter twice."""
        turns = self.sent // DEVICES
        for device in list(self.lns.devices.values())[:DEVICES]:
            assert device.published == list(range(turns))
            assert (device.resets, device.retransmissions) == (0, 0)


@asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    await world.lns.start()
    task = asyncio.create_task(world.path.run())
    try:
        await world.until(lambda: world.up)
        yield world
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await world.lns.stop()
        world.broker.kill()


def published(world: World) -> int:
    return sum(len(device.published) for device in world.lns.devices.values())


async def test_a_chirpstack_that_is_killed_and_comes_back_loses_nothing(tmp_path: Path) -> None:
    async with running(World(tmp_path)) as world:
        await world.speak(1.0)
        await world.until(lambda: published(world) == world.sent)
        await world.lns.stop()
        await world.speak(AWAY_S)
        assert not world.up
        assert world.path.snapshot().connectors[0].reason == reasons.lns.no_subscriber()
        await world.lns.start()
        await world.speak(1.0)
        await world.until(lambda: published(world) == world.sent)
        world.nothing_is_lost()


async def test_a_broker_that_is_killed_and_comes_back_loses_nothing(tmp_path: Path) -> None:
    async with running(World(tmp_path)) as world:
        await world.speak(1.0)
        await world.until(lambda: published(world) == world.sent)
        world.broker.kill()
        await world.speak(AWAY_S)
        world.broker.start()
        await world.speak(1.0)
        await world.until(lambda: published(world) == world.sent)
        world.nothing_is_lost()


async def test_statistics_of_an_outage_reach_chirpstack_afterwards(tmp_path: Path) -> None:
    async with running(World(tmp_path)) as world:
        await world.lns.stop()
        await world.speak(1.0)
        await world.until(lambda: world.path.snapshot().counters.get("cs.no_subscriber"))
        await world.lns.start()
        await world.until(lambda: published(world) == world.sent)

        def counted() -> int:
            return sum(stats.rx_packets_received_ok for stats in world.lns.statistics)

        await world.until(lambda: counted() == world.sent)
        by_frequency = [dict(stats.rx_packets_per_frequency) for stats in world.lns.statistics]
        assert sum(counts.get(868_100_000, 0) for counts in by_frequency) == world.sent


async def test_the_test_device_is_acknowledged_and_nothing_of_it_goes_on_air(tmp_path: Path) -> None:
    address = 0x00C0FFEE
    config = EndToEndConfig(dev_addr=f"{address:08x}", network_key=KEY.hex(), period_s=60)
    world = World(tmp_path, end_to_end=config)
    world.lns.devices[address] = Device(key=KEY)
    async with running(world):
        await world.until(lambda: world.path.snapshot().end_to_end)
        state = world.path.snapshot()
        assert state.end_to_end is not None
        assert state.end_to_end.code == "lns.processed"
        assert (state.received, state.delivered, state.transmitted, world.radio.sent) == (0, 0, 0, [])
        assert {note.name for note in world.journal.notes()} == {"end_to_end"}
        assert world.lns.devices[address].published == [0]


async def test_where_it_decides_a_server_that_takes_frames_and_processes_none_is_down(tmp_path: Path) -> None:
    config = EndToEndConfig(dev_addr="00c0ffee", network_key=KEY.hex(), period_s=60, decides=True)
    world = World(tmp_path, end_to_end=config)
    world.lns.processes = False
    async with running(world):
        await world.until(lambda: world.path.snapshot().counters.get("end_to_end.sent"))
        prober = world.path._switchboard.prober
        prober.probing = replace(
            prober.probing, missed=1, sent_us=world.clock.monotonic_us() - ANSWER_WAIT_US
        )
        await world.until(lambda: not world.up)
        why = world.path.snapshot().connectors[0].reason
        assert why == reasons.lns.not_processed(missed_frames=2, period_s=60)
