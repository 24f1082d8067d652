"""One gateway, a real Mosquitto and a ChirpStack with its devices, for tests and for `make judge`."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from agent.clock import SystemClock
from agent.datapath import DataPath
from agent.journal_port import MemoryJournal
from agent.wire.configuration import Configuration, ConnectorConfig, EndToEndConfig, FleetConfig
from agent.wire.messages import TimeQuality
from demo.ports import free_port
from tests.datapath.broker import MOSQUITTO
from tests.datapath.chirpstack import ChirpStack, Device, sealed
from tests.datapath.virtual import VirtualConcentrator

EUI = "0016c001f12a3b4c"
KEY = bytes(range(16))
FIRST_ADDRESS = 0x26000001
TEST_ADDRESS = 0x00C0FFEE
DEVICES = 5
PACE_S = 0.2
"""Between two frames of the whole; each device speaks once a second."""


class Broker:
    """Mosquitto on one port for the whole test, however often it is killed."""

    def __init__(self, folder: Path) -> None:
        if not Path(MOSQUITTO).exists():
            raise FileNotFoundError(f"{MOSQUITTO} is not installed: make system")
        self.port = free_port()
        self._settings = folder / "mosquitto.conf"
        self._settings.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser root\n")
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen([MOSQUITTO, "-c", str(self._settings)], stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(60)


class World:
    """One gateway, one broker, one ChirpStack with its devices."""

    def __init__(
        self,
        folder: Path,
        *,
        end_to_end: EndToEndConfig | None = None,
        connector: ConnectorConfig | None = None,
        broker: Broker | None = None,
        lns: ChirpStack | None = None,
        eui: str = EUI,
    ) -> None:
        self.broker = broker or Broker(folder)
        self.lns = lns or ChirpStack(self.broker.port)
        if lns is None:
            self.lns.devices |= {FIRST_ADDRESS + n: Device(key=KEY) for n in range(DEVICES)}
        self.clock = SystemClock(TimeQuality.NTP)
        self.radio = VirtualConcentrator(self.clock, eui=eui)
        self.journal = MemoryJournal(self.clock)
        connector = connector or ConnectorConfig(
            name="cs", kind="chirpstack_mqtt", host="127.0.0.1", port=self.broker.port, contractual=True
        )
        self.path = DataPath(
            concentrator=self.radio,
            configuration=Configuration(
                connectors=(connector,),
                fleet=FleetConfig(host="127.0.0.1", port=1),
                end_to_end=end_to_end or EndToEndConfig(),
            ),
            eui=eui,
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

    async def until(self, condition: Callable[[], object], limit_s: float = 120.0) -> None:
        async with asyncio.timeout(limit_s):
            while not condition():
                await asyncio.sleep(0.02)

    @property
    def up(self) -> bool:
        return any(lns.up for lns in self.path.snapshot().connectors)

    @property
    def published(self) -> int:
        """Frames that the application got."""
        return sum(len(device.published) for device in list(self.lns.devices.values())[:DEVICES])

    def nothing_is_lost(self) -> None:
        """Every frame reached the application once and in order; the server saw no counter twice."""
        turns = self.sent // DEVICES
        for device in list(self.lns.devices.values())[:DEVICES]:
            assert device.published == list(range(turns))
            assert (device.resets, device.retransmissions) == (0, 0)


@asynccontextmanager
async def running(world: World, *, ends: bool = True) -> AsyncIterator[World]:
    """Run the gateway and ChirpStack; ``ends``: both servers end with it."""
    await world.lns.start()
    task = asyncio.create_task(world.path.run())
    try:
        await world.until(lambda: world.up)
        yield world
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if ends:
            await world.lns.stop()
            world.broker.kill()
