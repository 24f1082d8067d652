"""A broker that is killed and thrown back: the journal is whole at the fleet, and no configuration goes back.

Mosquitto is real, with its store on disk; so are both links, the outbox on the gateway's card, the engine and
its database.  The fleet's clock runs twenty times as fast as the host's.
"""

import asyncio
import contextlib
import getpass
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select

from agent.clock import SystemClock as AgentClock
from agent.configuration.model import Arrived, Held, Ledger, State
from agent.configuration.step import Now, reported, step
from agent.fleet_key import FleetKey
from agent.identity import Identity
from agent.journal.journal import Journal
from agent.journal.store import JOURNAL
from agent.link.mqtt import Link
from agent.wire import topics
from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig
from agent.wire.envelope import decode_envelope
from agent.wire.messages import Change
from fleet.broker.address import Broker as Address
from fleet.broker.inbox import Inbox
from fleet.broker.link import BrokerLink
from fleet.broker.store_trial import StoreTrial, try_store
from fleet.clock import FleetClock
from fleet.configurations.issue import issue_version
from fleet.configurations.tables import configuration_versions as versions
from fleet.db.connect import Database
from fleet.engine.cycle import Terms
from fleet.engine.engine import Engine
from fleet.evidence.tables import journal_records
from fleet.live.feed import Feed
from tests.controlpath.virtual import Broker
from tests.unit.fleet.founded import EUIS, founded_database, heartbeat

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
EUI = EUIS[0]
KEY = Ed25519PrivateKey.generate()
SPEED = 20
PERSISTENT = """allow_anonymous true
user {user}
persistence true
persistence_location {folder}/
autosave_interval 3600
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class QuickClock:
    """The host's clock, ``SPEED`` times as fast since it was made."""

    def __init__(self) -> None:
        self._began_ns, self._utc_us = time.monotonic_ns(), time.time_ns() // 1000

    def monotonic_us(self) -> int:
        return (time.monotonic_ns() - self._began_ns) * SPEED // 1000

    def now_us(self) -> int:
        return self._utc_us + self.monotonic_us()


class FleetManager:
    """The part of `fleet serve` that this is about: the broker's link and the engine's thread."""

    def __init__(self, database: Database, port: int, folder: Path, clock: QuickClock) -> None:
        fleet_clock, inbox = FleetClock(clock), Inbox()
        address = Address(host="127.0.0.1", port=port, tls=False)
        self.link = BrokerLink(address, folder, inbox, fleet_clock)
        self.engine = Engine(
            database=database,
            link=self.link,
            inbox=inbox,
            feed=Feed(),
            clock=fleet_clock,
            terms=Terms(signing=KEY),
        )
        self._thread = threading.Thread(target=self.engine.run, daemon=True)

    def __enter__(self) -> "FleetManager":
        self._thread.start()
        self.link.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.link.stop()
        self.engine.stop()
        self._thread.join(60)


def content(host: str) -> Configuration:
    return Configuration(
        connectors=(ConnectorConfig(name="lns", host=host, port=1700, contractual=True),),
        fleet=FleetConfig(host="127.0.0.1", port=1, tls=False),
    )


class Gateway:
    """Journal, link and the machine of configurations of one gateway."""

    def __init__(self, folder: Path, port: int) -> None:
        clock = AgentClock()
        self.journal = Journal(folder / "journal", boot=77, clock=clock)
        self.state = State(ledger=Ledger(good=Held(version=0, sha256="", slot="a"), seen_version=0))
        self.desired: list[int] = []
        self._clock = clock
        self.link = Link(
            identity=Identity(folder / "identity", eui=EUI),
            boot=77,
            fleet=FleetConfig(host="127.0.0.1", port=port, tls=False),
            outbox=self.journal.outbox,
            clock=clock,
            desired=self._take,
            command=self._ignore,
            neighbours=lambda _: None,
            reported=lambda: reported(self.state, self._now()),
        )
        self._beats = 0

    def _now(self) -> Now:
        return Now(
            monotonic_us=0,
            utc_us=self._clock.utc_us(),
            utc_trusted=False,
            device=EUI,
            key=FleetKey(KEY.public_key().public_bytes_raw()),
            good=content("127.0.0.9"),
        )

    async def _take(self, payload: bytes) -> None:
        self.desired.append(decode_envelope(payload).version)
        self.state, _ = step(self.state, Arrived(payload=payload), self._now())

    async def _ignore(self, *_: object) -> None:
        return

    async def beat(self) -> None:
        self._beats += 1
        await self.link.heartbeat(
            heartbeat(
                self._beats,
                at_us=self._clock.utc_us(),
                boot=77,
                journal_seq=self.journal.journal_seq,
                uptime_ms=self._beats * 30_000,
            )
        )

    @contextlib.asynccontextmanager
    async def running(self) -> Any:
        task = asyncio.create_task(self.link.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def until(what: str, condition: Callable[[], Any], gateway: Gateway | None = None) -> None:
    """Wait until something holds; meanwhile the gateway beats."""
    for _ in range(900):
        if condition():
            return
        if gateway is not None:
            await gateway.beat()
        await asyncio.sleep(0.1)
    raise AssertionError(f"{what}: not within 90 s")


def stored(database: Database) -> set[int]:
    with database.read() as connection:
        return set(connection.scalars(select(journal_records.c.journal_seq)))


def arrived(database: Database) -> int | None:
    """Return the newest version of which the fleet has noted that the broker has it."""
    with database.read() as connection:
        return connection.scalar(select(func.max(versions.c.version)).where(versions.c.published))


def issue(database: Database, host: str) -> None:
    with database.write() as connection:
        issue_version(
            connection, KEY, eui=EUI, configuration=content(host), who="test", now_us=time.time_ns() // 1000
        )


class Site:
    """A broker with its store, and a fleet manager beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "mosquitto.db"
        self.broker = Broker(folder, extra=PERSISTENT.format(folder=folder, user=getpass.getuser()))
        self.database = founded_database(folder)
        self.clock = QuickClock()

    def fleet(self) -> FleetManager:
        return FleetManager(self.database, self.broker.port, self.folder, self.clock)

    async def save(self) -> bytes:
        """Return the broker's store as it writes it now."""
        assert self.broker._process is not None
        before = self.store.stat().st_mtime_ns if self.store.exists() else 0
        self.broker._process.send_signal(signal.SIGUSR1)
        await until("saved", lambda: self.store.exists() and self.store.stat().st_mtime_ns > before)
        return self.store.read_bytes()

    def kill(self) -> None:
        process = self.broker._process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        process.wait(60)

    def start_with(self, store: bytes) -> None:
        self.store.write_bytes(store)
        self.broker.start()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    with made.broker:
        yield made
    made.database.close()


async def test_a_broker_thrown_back_loses_no_record_and_turns_no_configuration_back(site: Site) -> None:
    gateway = Gateway(site.folder / "gateway", site.broker.port)
    outbox = gateway.journal.outbox
    async with gateway.running():
        with site.fleet() as fleet:
            await until("acknowledged", lambda: outbox.kept(JOURNAL) == 0, gateway)
            for version in range(1, 6):
                issue(site.database, f"10.0.0.{version}")
            await until("version 5", lambda: gateway.state.ledger.seen_version == 5, gateway)
            old = await site.save()
            issue(site.database, "10.0.0.6")
            await until("version 6", lambda: gateway.state.ledger.seen_version == 6, gateway)
            await until("its arrival is noted", lambda: arrived(site.database) == 6, gateway)
        assert fleet.engine.health.failures == 0
        for number in range(4):
            gateway.journal.record(Change.RADIO, "radio", f"STATE{number}")
        await until("the broker has it", lambda: outbox.pending(JOURNAL) == 0)
        assert outbox.kept(JOURNAL) == 4
        site.kill()
        site.start_with(old)
        gateway.journal.record(Change.RADIO, "radio", "LAST")
        runs = gateway.state.ledger.runs.version
        given = len(gateway.desired)
        await until("the broker gives what it has", lambda: len(gateway.desired) > given)
        with site.fleet() as fleet:
            last = gateway.journal.journal_seq
            await until("whole", lambda: stored(site.database) == set(range(1, last + 1)), gateway)
            await until("acknowledged", lambda: outbox.kept(JOURNAL) == 0, gateway)
            await until("version 6 again", lambda: gateway.desired[-1] == 6, gateway)
            assert fleet.engine.outgoing.acknowledger.asked >= 1
            assert fleet.engine.outgoing.desired.published_anew == 1
    assert gateway.desired[given] == 5
    assert dict(gateway.state.counts)["older"] >= 1
    assert (gateway.state.ledger.seen_version, gateway.state.ledger.runs.version) == (6, runs)
    assert gateway.link.counts.records_uploaded == last + 4


@pytest.mark.parametrize("damaged", [False, True], ids=["lost", "damaged"])
async def test_a_broker_without_its_store_gets_everything_again(site: Site, *, damaged: bool) -> None:
    gateway = Gateway(site.folder / "gateway", site.broker.port)
    async with gateway.running():
        with site.fleet() as fleet:
            issue(site.database, "10.0.0.1")
            await until("version 1", lambda: gateway.state.ledger.seen_version == 1, gateway)
            site.kill()
            site.store.unlink(missing_ok=True)
            if damaged:
                site.store.write_bytes(b"damaged")
                assert try_store(site.folder, site.clock.now_us())[0] is StoreTrial.SET_ASIDE
            gateway.journal.record(Change.RADIO, "radio", "OFF")
            site.broker.start()
            kept = gateway.journal.outbox
            await until("whole", lambda: stored(site.database) == {1, 2}, gateway)
            await until("acknowledged", lambda: kept.kept(JOURNAL) == 0, gateway)
            await until("desired", lambda: fleet.engine.outgoing.desired.published_anew == 1, gateway)
            await until("given again", lambda: gateway.desired[1:] == [1], gateway)


async def test_an_agent_that_knows_no_acknowledgement_is_served_as_before(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What such an agent does: it subscribes to no ``journal/ack`` and forgets at PUBACK."""
    reads = tuple(leaf for leaf in topics.GATEWAY_READS if leaf != topics.JOURNAL_ACK)
    monkeypatch.setattr(topics, "GATEWAY_READS", reads)
    gateway = Gateway(site.folder / "gateway", site.broker.port)
    async with gateway.running():
        with site.fleet() as fleet:
            gateway.journal.record(Change.RADIO, "radio", "OFF")
            await until("stored", lambda: stored(site.database) == {1, 2}, gateway)
            acknowledger = fleet.engine.outgoing.acknowledger
            await until("acknowledged in vain", lambda: acknowledger.acknowledged, gateway)
            assert (gateway.link.counts.acknowledgements, gateway.link.counts.unknown_topics) == (0, 0)
            assert gateway.link.counts.sessions == 1


async def test_a_fleet_that_acknowledges_nothing_gets_all_and_fills_no_card(site: Site) -> None:
    gateway = Gateway(site.folder / "gateway", site.broker.port)
    gateway.journal.outbox._sent_limit = 3
    async with gateway.running():
        for number in range(9):
            gateway.journal.record(Change.RADIO, "radio", f"STATE{number}")
        outbox = gateway.journal.outbox
        await until("sent", lambda: outbox.pending(JOURNAL) == 0)
    assert outbox.kept(JOURNAL) == 3
    assert (outbox.unconfirmed_dropped, outbox.dropped[JOURNAL]) == (7, 0)
