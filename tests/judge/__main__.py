"""``make judge``: what each path to a ChirpStack loses when it or the broker goes away, and what is said.

Mosquitto is the real one, the bridge its maker's where the environment names it, ChirpStack is the one that
the environment names (``tests.judge.named``), else ``tests.datapath.chirpstack``.  What is absent is said;
nothing is remembered from another day.
"""

import argparse
import asyncio
import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from agent.connectors.end_to_end.device import Proof
from agent.wire.configuration import ConnectorConfig, EndToEndConfig
from tests.datapath.broker import MOSQUITTO
from tests.datapath.chirpstack import Device
from tests.datapath.chirpstack_world import (
    DEVICES,
    EUI,
    FIRST_ADDRESS,
    KEY,
    TEST_ADDRESS,
    World,
    free_port,
    running,
)
from tests.judge.bridge import VARIABLE, Backend, Bridge, program, version
from tests.judge.named import URL, NamedBroker, NamedChirpStack, Names, named
from tests.judge.overlap import POLICIES, overlap
from tests.judge.refusals import CASES, refusal

Away = Literal["nothing", "chirpstack", "broker"]
PATHS = ("mqtt", "udp through the bridge", "station through the bridge")
AWAYS: tuple[Away, ...] = ("nothing", "chirpstack", "broker")
BEFORE_S = AFTER_S = 5.0
SETTLE_S = 150.0
"""A gateway whose broker refused tries again within 60 s, and 60 s of frames take their time to drain."""
PROBE_PERIOD_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One cell of the table."""

    path: str
    away: Away
    away_s: float
    sent: int
    published: int
    held: int
    """Frames that the gateway still has: none of them is lost."""
    repeated: int
    """Frames that ChirpStack saw again or out of order."""
    lns_down: bool
    """Whether the gateway said so while it was away."""
    unanswered: bool
    """Whether the test device found it while it was away."""

    @property
    def lost(self) -> int:
        """Frames that no application got."""
        return self.sent - self.published - self.held


async def judge(path: str, away: Away, away_s: float, folder: Path, names: Names | None) -> Row:
    """Play one cell."""
    port = free_port()
    keys = dict.fromkeys([*(FIRST_ADDRESS + number for number in range(DEVICES)), TEST_ADDRESS], KEY)
    lns = NamedChirpStack(names, keys, (EUI,)) if names else None
    broker = NamedBroker(names) if names else None
    world = World(
        folder,
        end_to_end=EndToEndConfig(
            dev_addr=f"{TEST_ADDRESS:08x}", network_key=KEY.hex(), period_s=PROBE_PERIOD_S
        ),
        connector=_connector(path, port),
        broker=broker,
        lns=lns,
    )
    world.lns.devices.setdefault(TEST_ADDRESS, Device(key=KEY))
    with _between(path, folder, port, world.broker.port):
        try:
            async with running(world, ends=names is None):
                return await _outage(world, path, away, away_s)
        finally:
            if lns is not None:
                lns.close()


async def _outage(world: World, path: str, away: Away, away_s: float) -> Row:
    await world.speak(BEFORE_S)
    await _settled(world)  # what ChirpStack collects (200 ms) when it is killed is nobody else's
    down = unanswered = False
    if away == "chirpstack":
        await world.lns.stop()
    elif away == "broker":
        world.broker.kill()
    for _ in range(round(away_s) if away != "nothing" else 0):
        await world.speak(1.0)
        down |= not world.up
        unanswered |= world.path._switchboard.prober.probing.proof is Proof.UNANSWERED
    if away == "chirpstack":
        await world.lns.start()
    elif away == "broker":
        world.broker.start()
    await world.speak(AFTER_S)
    await _settled(world)
    devices = world.lns.devices.values()
    return Row(
        path=path,
        away=away,
        away_s=0.0 if away == "nothing" else away_s,
        sent=world.sent,
        published=world.published,
        held=world.path.snapshot().spool_records,
        repeated=sum(device.resets + device.retransmissions for device in devices),
        lns_down=down,
        unanswered=unanswered,
    )


def _connector(path: str, port: int) -> ConnectorConfig | None:
    if path == PATHS[0]:
        return None
    kind = "semtech_udp" if path == PATHS[1] else "basics_station"
    return ConnectorConfig(name="cs", kind=kind, host="127.0.0.1", port=port, contractual=True)


@contextmanager
def _between(path: str, folder: Path, port: int, broker: int) -> Iterator[None]:
    binary = program()
    if path == PATHS[0] or binary is None:
        yield
        return
    backend: Backend = "semtech_udp" if path == PATHS[1] else "basic_station"
    bridge = Bridge(binary, folder, backend, port=port, broker=broker)
    try:
        yield
    finally:
        bridge.stop()


async def _settled(world: World) -> None:
    """Wait until everything arrived, or nothing more does."""
    before = -1
    for _ in range(round(SETTLE_S)):
        held, published = world.path.snapshot().spool_records, world.published
        if published >= world.sent or (not held and published == before):
            return
        before = published
        await asyncio.sleep(1.0)


def main() -> int:
    """Print the tables; 1 if a frame was lost over MQTT, or a refusal was not told in time."""
    parser = argparse.ArgumentParser(prog="python -m tests.judge", description=__doc__)
    parser.add_argument("--chirpstack-s", type=float, default=60.0, help="how long ChirpStack is away")
    parser.add_argument("--broker-s", type=float, default=30.0, help="how long the broker is away")
    parser.add_argument("--cut-s", type=float, default=60.0, help="how long one of two gateways is cut")
    parser.add_argument("--only", choices=("outages", "refusals", "overlap"), help="one table")
    parser.add_argument("--json", action="store_true", help="one line of JSON a row")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    names = named()
    mosquitto = subprocess.run([MOSQUITTO, "-h"], capture_output=True, text=True, check=False).stdout
    print(mosquitto.splitlines()[0], file=sys.stderr)
    binary = program()
    print(f"bridge: {version(binary) if binary else f'absent, {VARIABLE} names none'}", file=sys.stderr)
    print(f"ChirpStack: {names.url if names else f'ours, {URL} names none'}", file=sys.stderr)
    good = True
    if asked.only in {None, "outages"}:
        good &= _outages(asked, names, PATHS if binary else PATHS[:1])
    if asked.only in {None, "refusals"}:
        good &= _refusals(names)
    if asked.only in {None, "overlap"}:
        _overlaps(asked.cut_s, names)
    return int(not good)


def _outages(asked: argparse.Namespace, names: Names | None, paths: Sequence[str]) -> bool:
    rows = []
    for path in paths:
        for away in AWAYS:
            away_s = asked.chirpstack_s if away == "chirpstack" else asked.broker_s
            with tempfile.TemporaryDirectory() as folder:
                row = asyncio.run(judge(path, away, away_s, Path(folder), names))
            rows.append(row)
            shown = json.dumps(asdict(row) | {"lost": row.lost}) if asked.json else _line(row)
            print(shown, flush=True)
    return not any(row.lost for row in rows if row.path == PATHS[0])


def _refusals(names: Names | None) -> bool:
    rows = []
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(asyncio.run(refusal(case, Path(folder), names)))
        print(rows[-1].line(), flush=True)
    return all(row.kept for row in rows)


def _overlaps(cut_s: float, names: Names | None) -> None:
    for policy in POLICIES:
        for skip in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                row = asyncio.run(overlap(names, policy, Path(folder), skip=skip, cut_s=cut_s))
            print(row.line(), flush=True)


def _line(row: Row) -> str:
    found = [word for word, yes in (("down", row.lns_down), ("unanswered", row.unanswered)) if yes]
    return (
        f"{row.path:28} {row.away:10} {row.away_s:4.0f} s  lost {row.lost:3} of {row.sent:3}, "
        f"seen again {row.repeated:2}, {', '.join(found) or 'nothing noticed'}"
    )


if __name__ == "__main__":
    sys.exit(main())
