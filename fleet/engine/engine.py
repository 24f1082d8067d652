"""The engine: one thread that takes messages in and, every second, decides what the network is.

    batch   decode → sort → store → commit → acknowledge to the broker → remember
    cycle   sight → network → incidents → configurations, one transaction → feed

A failed transaction leaves nothing behind and is tried again; a message that alone makes a batch fail is
refused, kept and counted, so that it stops no other.
"""

import queue
import threading
from collections.abc import Callable

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Update
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from fleet.broker.inbox import Inbox, Received
from fleet.broker.link import CANARY_INTERVAL_S, BrokerLink
from fleet.clock import Clock
from fleet.configurations import commands, reconcile
from fleet.db.connect import Database
from fleet.durations import DAY_US
from fleet.engine.health import Health
from fleet.evidence import facts, store
from fleet.evidence.blindness import Closed, Eyes, Opened, restart_gap, step
from fleet.evidence.ingest import Sorter
from fleet.evidence.vitals import Vitals
from fleet.facts.model import Blindness
from fleet.facts.months import month_of, month_window
from fleet.facts.settings import DEFAULTS, ContractSettings
from fleet.facts.states import GatewayState
from fleet.incidents.policy import DEFAULT_POLICY, EscalationPolicy
from fleet.live.feed import Feed
from fleet.live.memory import Memory
from fleet.live.model import NetworkNow
from fleet.live.network import NetworkView
from fleet.live.restore import restore_memory, restore_spoken_of
from fleet.live.timelines import Timelines
from fleet.registry.model import Status
from fleet.registry.store import Registry, load_registry, put_in_service
from fleet.response import cycle as incidents
from fleet.retention import SWEEP_EVERY_US, Retention, sweep

CYCLE_US = 1_000_000
CYCLE_REST = 3
"""A cycle is followed by three times its own length for messages, so that they never wait for long …"""
CYCLE_REST_LIMIT_US = 3_000_000
"""… but no longer than this: a closed socket is shown within 5 s (DESIGN §11)."""
REFRESH_REST = 20
"""What people change is looked for every second, or twenty times what the look took."""
LOOK_BACK_US = 8 * DAY_US
"""Timelines are told from the month's start and at least so long: a page shows a week."""
IN_SERVICE_LIMIT = 200
"""Gateways that come into service in one look; the others in the next."""
RETRY_WAIT_S = 1.0
"""After a failed transaction."""
NOTED_LIMIT = 100_000
"""Arrivals at the broker that wait to be noted; beyond, an envelope is published again."""

Work = Callable[[], None]
log = structlog.get_logger("fleet.engine")


class Engine:
    """Ingest and cycle; ``run`` is the thread's body."""

    def __init__(
        self,
        *,
        database: Database,
        link: BrokerLink,
        inbox: Inbox,
        feed: Feed,
        clock: Clock,
        signing: Ed25519PrivateKey,
        settings: ContractSettings = DEFAULTS,
        retention: Retention | None = None,
        escalation: EscalationPolicy = DEFAULT_POLICY,
    ) -> None:
        self._database = database
        self._link = link
        self._inbox = inbox
        self._feed = feed
        self._clock = clock
        self._signing = signing
        self._settings = settings
        self._retention = retention or Retention()
        self._escalation = escalation
        self._sweep_due_us = 0
        self._memory = Memory()
        self._vitals = Vitals()
        self._view = NetworkView.empty(settings)
        self._registry = Registry(gateways={}, communes={}, memberships=())
        self._blindness: tuple[Blindness, ...] = ()
        self._seen_since_us = 0
        self._month = ""
        self._from_us = 0
        self.timelines: Timelines | None = None
        self._canary_due_us = 0
        self._refresh_due_us = 0
        self._noted: queue.Queue[Update] = queue.Queue(NOTED_LIMIT)
        self._stopping = threading.Event()
        self.health = Health()

    def stop(self) -> None:
        """Let ``run`` return after its present step."""
        self._stopping.set()

    def progress(self) -> object:
        """Return what changes with each step, a failed one too."""
        return (self.health.cycles, self.health.failures, self.health.messages)

    def run(self) -> None:
        """Take messages and run cycles until stopped."""
        self._supervised(self._start)
        due_us = self._clock.now_us()
        while not self._stopping.is_set():
            wait_us = due_us - self._clock.now_us()
            batch = self._inbox.take(max(0.0, min(wait_us, CYCLE_US) / 1_000_000))
            if batch:
                self._supervised(lambda batch=batch: self.take(batch))  # type: ignore[misc]
            now_us = self._clock.now_us()
            if now_us >= due_us:
                self._supervised(self.cycle)
                took_us = self._clock.now_us() - now_us
                rest_us = min(CYCLE_REST * took_us, CYCLE_REST_LIMIT_US)
                due_us = max(due_us + CYCLE_US, now_us + took_us + rest_us)
        self._drain()

    def _drain(self) -> None:
        while batch := self._inbox.take(0.0):
            self.take(batch)

    def _supervised(self, work: Work) -> None:
        """Do ``work`` until it succeeds: what the network said waits, nothing is skipped."""
        while True:
            try:
                work()
            except Exception as error:
                self.health.failures += 1
                self.health.last_error = f"{type(error).__name__}: {error}"
                log.exception("engine_failed", work=getattr(work, "__name__", "batch"))
                if self._stopping.wait(RETRY_WAIT_S):
                    return
            else:
                return

    def _start(self) -> None:
        now_us = self._clock.now_us()
        with self._database.write() as connection:
            gap = restart_gap(facts.marked(connection, facts.LAST_CYCLE), now_us)
            if gap is not None and not _open(facts.load_blindness(connection, now_us)):
                facts.store_sight(connection, gap, now_us)
            self._registry = load_registry(connection)
            self._recall(connection, now_us)
        self._seen_since_us = now_us

    def _recall(self, connection: Connection, now_us: int) -> None:
        self._month = month_of(now_us)
        self._from_us = min(month_window(self._month).start_us, now_us - LOOK_BACK_US)
        self._memory = restore_memory(connection, self._from_us, self._settings)
        self._blindness = facts.load_blindness(connection, self._from_us, self._settings)

    def take(self, batch: list[Received]) -> None:
        """Store one batch, then acknowledge it."""
        try:
            self._store(batch)
        except OperationalError:
            raise
        except (SQLAlchemyError, OverflowError, ValueError):
            log.exception("batch_split", messages=len(batch))
            self._take_one_by_one(batch)
        self.health.messages += len(batch)
        self._link.acknowledge(batch)

    def _store(self, batch: list[Received]) -> None:
        sorter = Sorter(self._memory.newest_run, self._registry.gateways, self._settings)
        rows = sorter.sort(batch)
        self._vitals.take((eui, beat, at_us) for eui, (beat, _, at_us) in rows.heartbeats.items())
        self._memory.complete(rows)
        with self._database.write() as connection:
            store.store_batch(connection, rows)
            commands.note_replies(connection, rows.replies)
        self._memory.take(rows)
        if self._memory.spoken_of:
            with self._database.read() as connection:
                restore_spoken_of(connection, self._memory, self._from_us, self._settings)
        self.health.refused += len(rows.refused)

    def _take_one_by_one(self, batch: list[Received]) -> None:
        for message in batch:
            try:
                self._store([message])
            except OperationalError:
                raise
            except (SQLAlchemyError, OverflowError, ValueError) as error:
                self.health.refused += 1
                with self._database.write() as connection:
                    store.store_refused(connection, [(message, f"cannot be stored: {error}")])
                    store.count(connection, {"refused": 1})

    def cycle(self) -> None:
        """Decide what the network is at this instant, in one transaction, and publish it."""
        now_us = self._clock.now_us()
        if now_us >= self._canary_due_us:
            self._link.sing(now_us)
            self._canary_due_us = now_us + CANARY_INTERVAL_S * 1_000_000
        with self._database.write() as connection:
            network = self._decide(connection, now_us)
        self._view.settle(network)
        self._vitals.done(now_us)
        self.timelines = self._tell(now_us)
        self._feed.publish(network)
        self._publish()
        self.health.cycles += 1
        self.health.last_cycle_us = now_us
        self.health.last_cycle_took_us = self._clock.now_us() - now_us

    def _tell(self, now_us: int) -> Timelines:
        return Timelines(
            at_us=now_us,
            from_us=self._from_us,
            registry=self._registry,
            sight=self._blindness,
            known={eui: one.known for eui, one in self._view.gateways.entries.items()},
        )

    def _decide(self, connection: Connection, now_us: int) -> NetworkNow:
        if month_of(now_us) != self._month:
            self._recall(connection, now_us)
            self._refresh_due_us = now_us
        if now_us >= self._refresh_due_us:
            self._refresh(connection, now_us)
        self._look(connection, now_us)
        open_ = _open(self._blindness)
        network = self._view.at(
            self._registry,
            self._memory,
            self._blindness,
            blind_reason=open_.reason if open_ else "",
            now_us=now_us,
        )
        incidents.run(connection, network, now_us, self._escalation, self._settings)
        if now_us >= self._sweep_due_us:
            sweep(connection, self._retention, now_us)
            self._sweep_due_us = now_us + SWEEP_EVERY_US
        self._vitals.flush(connection, now_us)
        reconcile.confirm_working(connection, self._signing, self._memory, now_us)
        reconcile.grant_permits(connection, self._signing, network, now_us)
        while not self._noted.empty():
            connection.execute(self._noted.get_nowait())
        facts.mark(connection, facts.LAST_CYCLE, now_us)
        return network

    def _refresh(self, connection: Connection, now_us: int) -> None:
        """Take what people changed: registry, acceptance, works, statements."""
        began_us = self._clock.now_us()
        put_in_service(connection, self._seen_serving(), now_us=now_us)
        registry = load_registry(connection)
        if registry != self._registry:
            self._registry = registry
        self._memory.replace_people(
            facts.load_commissioning(connection),
            facts.load_maintenances(connection, self._from_us),
            facts.load_statements(connection, self._from_us),
        )
        took_us = self._clock.now_us() - began_us
        self._refresh_due_us = now_us + max(CYCLE_US, REFRESH_REST * took_us)

    def _seen_serving(self) -> list[str]:
        """Return the accepted gateways that the newest cycle saw serving."""
        latest = self._feed.latest
        if latest is None:
            return []
        shown = latest.network.gateways
        return [
            eui
            for eui, gateway in self._registry.gateways.items()
            if gateway.status is Status.ACCEPTED and eui in shown and shown[eui].state is GatewayState.SERVING
        ][:IN_SERVICE_LIMIT]

    def _look(self, connection: Connection, now_us: int) -> None:
        eyes = Eyes(
            since_us=self._seen_since_us,
            last_echo_us=self._link.last_echo_us,
            blind=_open(self._blindness) is not None,
            reason=self._link.last_error,
        )
        change: Opened | Closed | None = step(eyes, now_us)
        if change is not None:
            facts.store_sight(connection, change, now_us)
            self._blindness = facts.load_blindness(connection, self._from_us, self._settings)
            log.warning("sight_changed", change=str(change))

    def _publish(self) -> None:
        def publish(topic: str, payload: bytes, retain: bool, done: Work) -> bool:
            return self._link.publish(topic, payload, retain=retain, done=done)

        with self._database.read() as connection:
            reconcile.publish_waiting(connection, publish, self._note)

    def _note(self, statement: Update) -> None:
        if not self._noted.full():
            self._noted.put_nowait(statement)


def _open(blindness: tuple[Blindness, ...]) -> Blindness | None:
    return next((one for one in blindness if one.end_us is None), None)
