"""How soon a gateway says that ChirpStack does not take its frames, and whether it holds them."""

import asyncio
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from agent.wire import reasons
from agent.wire.configuration import ConnectorConfig
from agent.wire.reasons import Reason
from tests.datapath.chirpstack_world import Broker, World, running
from tests.judge.named import NamedBroker, NamedChirpStack, Names

CASES = ("no subscriber", "wrong prefix", "refused by the ACL")
LIMIT_S = 10.0
"""What the promise says."""
WATCH_S = 30.0
OURS_ALONE = "pattern read eu868/gateway/%u/command/+\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One row."""

    case: str
    down_s: float | None
    """From the begin until the gateway said so, with the broker's own reason; None: it did not."""
    sent: int
    held: int

    @property
    def kept(self) -> bool:
        """Whether it was said in time and every frame is still there."""
        return self.down_s is not None and self.down_s <= LIMIT_S and self.held == self.sent

    def line(self) -> str:
        """Return the row for people."""
        return json.dumps(asdict(self))


class AclBroker(Broker):
    """A Mosquitto whose ACL lets nobody write events."""

    def start(self) -> None:
        acl = self._settings.with_name("acl")
        acl.write_text(OURS_ALONE)
        self._settings.write_text(f"{self._settings.read_text()}acl_file {acl}\n")
        super().start()


async def refusal(case: str, folder: Path, names: Names | None) -> Refusal:
    """Play one case."""
    if case == CASES[2]:
        return await _fresh(case, World(folder, broker=AclBroker(folder)), stops=False)
    lns = NamedChirpStack(names, {}, ()) if names else None
    broker = NamedBroker(names) if names else Broker(folder)
    connector = None
    if case == CASES[1]:
        connector = ConnectorConfig(
            name="cs",
            kind="chirpstack_mqtt",
            host="127.0.0.1",
            port=broker.port,
            contractual=True,
            region_prefix="us915",
        )
    world = World(folder, broker=broker, lns=lns, connector=connector)
    try:
        if case == CASES[1]:
            return await _fresh(case, world, stops=names is None)
        async with running(world, ends=names is None):
            await world.lns.stop()
            return await _watched(case, world)
    finally:
        if lns is not None:
            lns.close()


async def _fresh(case: str, world: World, *, stops: bool) -> Refusal:
    """A gateway that never was up: its server's word is what counts."""
    if stops:
        await world.lns.start()
    task = asyncio.create_task(world.path.run())
    try:
        return await _watched(case, world)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if stops:
            await world.lns.stop()
        if not isinstance(world.broker, NamedBroker):
            world.broker.kill()


async def _watched(case: str, world: World) -> Refusal:
    began, down_s = time.monotonic(), None
    while time.monotonic() - began < WATCH_S and down_s is None:
        await world.speak(0.4)
        state = world.path.snapshot().connectors[0]
        if not state.up and _by_the_broker(state.reason):
            down_s = round(time.monotonic() - began, 1)
    await asyncio.sleep(1.0)
    return Refusal(case=case, down_s=down_s, sent=world.sent, held=world.path.snapshot().spool_records)


def _by_the_broker(why: Reason) -> bool:
    return why.code in {
        reasons.lns.no_subscriber().code,
        reasons.lns.topic_refused(topic="", mqtt_code="", detail="").code,
    }
