"""Two gateways hear the same devices, one is cut: what ChirpStack ends with, by policy of the connector.

Every third frame only the gateway hears that is cut; the others both hear.  What the fleet would tell the
gateway when it comes back is the fleet's own memory of ChirpStack's events (``fleet.objects.recent``).
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from agent.wire.configuration import ConnectorConfig
from fleet.clock import SystemClock
from fleet.engine.neighbours import AGAIN_US
from fleet.objects.events import read_uplink
from fleet.objects.recent import RecentUplinks
from tests.datapath.chirpstack import ChirpStack, Device, sealed
from tests.datapath.chirpstack_world import (
    DEVICES,
    EUI,
    FIRST_ADDRESS,
    KEY,
    PACE_S,
    Broker,
    World,
    running,
)
from tests.datapath.relays import TcpRelay
from tests.judge.named import NamedBroker, NamedChirpStack, Names

NEIGHBOUR = "0016c001f12a3b4d"
POLICIES = {
    "replay": {},
    "spare_delivered": {"spare_delivered": True, "neighbours_wait_s": 60},
    "record_only": {"replay": False},
}
SETTLE_S = 120
TELL_EVERY_S = AGAIN_US / 1_000_000
ALONE = 3
"""One frame in so many is heard by the gateway that is cut alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """One row."""

    policy: str
    skip_fcnt_check: bool
    cut_s: float
    heard: int
    """Frames on air."""
    alone: int
    """Frames that only the gateway heard which was cut, while it was."""
    published: int
    """Frames that the application got, each once."""
    alone_published: int
    doubled: int
    """Frames that the application got again."""
    errors: int
    """Counters that ChirpStack refused, each with an error event."""
    spared: int
    """Frames that the gateway kept back because the neighbour had delivered them."""

    def line(self) -> str:
        """Return the row for people."""
        return json.dumps(asdict(self))


class _Air:
    """Both gateways and the devices."""

    def __init__(self, cut: World, other: World) -> None:
        self._cut, self._other = cut, other
        self.sent = 0
        self.alone: set[tuple[int, int]] = set()

    async def speak(self, duration_s: float, *, away: bool) -> None:
        for _ in range(round(duration_s / PACE_S)):
            number, turn = self.sent % DEVICES, self.sent // DEVICES
            payload = sealed(KEY, FIRST_ADDRESS + number, turn)
            self._cut.radio.inject(payload)
            if away and turn % ALONE == 0:
                self.alone.add((FIRST_ADDRESS + number, turn))
            else:
                self._other.radio.inject(payload)
            self.sent += 1
            await asyncio.sleep(PACE_S)


async def overlap(names: Names | None, policy: str, folder: Path, *, skip: bool, cut_s: float) -> Overlap:
    """Play one row, with the ChirpStack of the environment or the small one."""
    devices = {FIRST_ADDRESS + number: KEY for number in range(DEVICES)}
    broker = NamedBroker(names) if names else Broker(folder)
    lns = NamedChirpStack(names, devices, (EUI, NEIGHBOUR)) if names else ChirpStack(broker.port)
    lns.devices = lns.devices or {address: Device(key=key) for address, key in devices.items()}
    lns.skip_fcnt_check = skip
    relay = TcpRelay(broker.port)
    port = await relay.start()
    (folder / "cut").mkdir()
    (folder / "other").mkdir()
    cut = World(folder / "cut", broker=broker, lns=lns, connector=_connector(port, POLICIES[policy]))
    other = World(
        folder / "other", broker=broker, lns=lns, eui=NEIGHBOUR, connector=_connector(broker.port, {})
    )
    try:
        async with running(cut, ends=names is None), _beside(other):
            air = _Air(cut, other)
            await air.speak(3.0, away=False)
            relay.weather.cut = True
            relay.drop()
            since_us = SystemClock().now_us()
            await air.speak(cut_s, away=True)
            relay.weather.cut = False
            await cut.until(lambda: cut.up, 60.0)
            telling = asyncio.create_task(_tell(cut, lns, since_us))
            await air.speak(3.0, away=False)
            await _settled(cut)
            telling.cancel()
            return _row(policy, lns, cut, air, skip=skip, cut_s=cut_s)
    finally:
        await relay.refuse()
        if isinstance(lns, NamedChirpStack):
            lns.close()


@asynccontextmanager
async def _beside(other: World) -> AsyncIterator[None]:
    """Run the neighbour's gateway; both servers run already."""
    task = asyncio.create_task(other.path.run())
    try:
        await other.until(lambda: other.up)
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _connector(port: int, policy: dict[str, object]) -> ConnectorConfig:
    fields: dict[str, object] = {"name": "cs", "kind": "chirpstack_mqtt", "host": "127.0.0.1"}
    fields |= {"port": port, "contractual": True} | policy
    return ConnectorConfig(**fields)  # type: ignore[arg-type]


async def _tell(cut: World, lns: ChirpStack, since_us: int) -> None:
    """Tell the gateway what the fleet would, from the same events, as often as the fleet would."""
    while True:
        await asyncio.sleep(TELL_EVERY_S)
        recent, now_us = RecentUplinks(), SystemClock().now_us()
        for kind, event in list(lns.events):
            if kind == "up":
                recent.take(read_uplink(json.dumps(event).encode(), now_us))
        word = recent.known(EUI, since_us, now_us)
        assert word is not None
        cut.path.neighbours_delivered(word)


async def _settled(cut: World) -> None:
    for _ in range(SETTLE_S):
        if not cut.path.snapshot().spool_records:
            break
        await asyncio.sleep(1.0)
    await asyncio.sleep(3.0)


def _row(policy: str, lns: ChirpStack, cut: World, air: _Air, *, skip: bool, cut_s: float) -> Overlap:
    got = [(address, turn) for address, device in lns.devices.items() for turn in device.published]
    return Overlap(
        policy=policy,
        skip_fcnt_check=skip,
        cut_s=cut_s,
        heard=air.sent,
        alone=len(air.alone),
        published=len(set(got)),
        alone_published=len(set(got) & air.alone),
        doubled=len(got) - len(set(got)),
        errors=sum(device.resets + device.retransmissions for device in lns.devices.values()),
        spared=cut.path.snapshot().dropped.get("neighbour_delivered", 0),
    )
