"""The engine: one thread that takes messages in and, every second, decides what the network is.

    batch   sort → store → commit → remember → acknowledge to the broker
    cycle   weigh rollouts → decide → commit → remember → timelines and feed → envelopes, acknowledgements

What decides is one value (``EngineState``), replaced after the commit: a failed transaction leaves nothing
behind, in the database or here, and is tried again.  A commit of which nobody knows whether it happened is
followed by reading the state from the database anew.  A message that alone makes a batch fail is refused,
kept and counted, so that it stops no other.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import Connection

from fleet.broker.inbox import Inbox
from fleet.broker.link import CANARY_INTERVAL_S, BrokerLink
from fleet.broker.received import Received
from fleet.clock import FleetClock
from fleet.db.connect import CommitUnsure, Database, first_line, is_database_trouble
from fleet.engine.clocks import Instant, keeping_after_unsure
from fleet.engine.cycle import Senses, Terms, refuse_message, run_cycle, store_messages
from fleet.engine.hearing import HearingWatch
from fleet.engine.outgoing import Outgoing
from fleet.engine.state import EngineState, first_state, restored_state
from fleet.evidence import facts
from fleet.evidence.clock_events import events_after
from fleet.evidence.timekeeping import STEP_US, ClockQuality
from fleet.live.feed import Feed
from fleet.live.timelines import Timelines
from fleet.rollouts.requests import WeighedRequest, weigh_requests
from fleet.rollouts.weighing import NOTHING, Weighed, weigh

CYCLE_US = 1_000_000
REST, REST_LEAST_US, REST_LIMIT_US = 3, 200_000, 3_000_000
"""A cycle is followed by a rest, for the broker's answers to it; messages that wait go first for three times
its length, at most 3 s: a closed socket is shown within 5 s (DESIGN §11)."""
GATHER_S = 0.1
"""Messages that come so soon after the first share its commit; ten commits a second at most."""
RETRY_WAIT_S = 1.0
"""After a failed transaction."""

log = structlog.get_logger("fleet.engine")


@dataclass(slots=True, kw_only=True)
class Health:
    """What `/healthz` shows of the engine."""

    cycles: int = 0
    failures: int = 0
    last_cycle_us: int | None = None
    """Our UTC, for people; its age is measured on the monotonic clock."""
    last_cycle_monotonic_us: int | None = None
    clock: ClockQuality = ClockQuality.DOUBTED
    """What our UTC is worth; DOUBTED until the first cycle."""
    clock_difference_us: int = 0
    """How far ahead of ours the host's UTC is."""
    last_cycle_took_us: int = 0
    last_error: str = ""
    messages: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """When the next cycle is due, and until when messages that wait go before it; monotonic."""

    due_us: int
    rest_until_us: int = 0

    def is_due(self, now_us: int, waiting: int) -> bool:
        """Say whether a cycle begins now, though ``waiting`` messages wait."""
        return now_us >= (max(self.due_us, self.rest_until_us) if waiting else self.due_us)

    def after(self, began_us: int, ended_us: int) -> "Rhythm":
        """Return the rhythm after a cycle; what a long one cost is not made up for."""
        due_us = max(self.due_us + CYCLE_US, ended_us + REST_LEAST_US)
        rest_us = min(REST * (ended_us - began_us), REST_LIMIT_US)
        return Rhythm(due_us=due_us, rest_until_us=ended_us + rest_us)


class Engine:
    """Ingest and cycle; ``run`` is the thread's body."""

    def __init__(
        self,
        *,
        database: Database,
        link: BrokerLink,
        inbox: Inbox,
        feed: Feed,
        clock: FleetClock,
        terms: Terms,
    ) -> None:
        self._database, self._link, self._inbox = database, link, inbox
        self._feed, self._clock, self._terms = feed, clock, terms
        self._state: EngineState | None = None
        self._unsure = False
        """The newest commit failed: the database may be ahead of the state."""
        self._canary_due_us = 0
        self.hearing = HearingWatch()
        self.outgoing = Outgoing(database, link, clock, terms.signing.public_key())
        self._stopping = threading.Event()
        self.timelines: Timelines | None = None
        self.health = Health()

    def stop(self) -> None:
        """Let ``run`` return after its present step."""
        self._stopping.set()

    def progress(self) -> object:
        """Return what changes with each step, a failed one too."""
        return (self.health.cycles, self.health.failures, self.health.messages)

    def run(self) -> None:
        """Take messages and run cycles until stopped."""
        rhythm = Rhythm(due_us=self._clock.monotonic_us())
        while not self._stopping.is_set():
            wait_us = rhythm.due_us - self._clock.monotonic_us()
            batch = self._inbox.take(max(0.0, min(wait_us, CYCLE_US) / 1_000_000), GATHER_S)
            if batch:
                self._supervised(lambda batch=batch: self.take(batch))  # type: ignore[misc]
                self._inbox.settle(len(batch))
            began_us = self._clock.monotonic_us()
            if rhythm.is_due(began_us, self._inbox.waiting):
                self._supervised(self.cycle)
                rhythm = rhythm.after(began_us, self._clock.monotonic_us())
        while batch := self._inbox.take(0.0):
            self.take(batch)

    def _supervised(self, work: Callable[[], None]) -> None:
        """Do ``work`` until it succeeds: what the network said waits, nothing is skipped."""
        while True:
            try:
                work()
            except Exception as error:
                self.health.failures += 1
                before, self.health.last_error = self.health.last_error, f"{type(error).__name__}: {error}"
                if not is_database_trouble(error):
                    log.exception("engine_failed", work=getattr(work, "__name__", "batch"))
                elif before != self.health.last_error:
                    log.warning("engine_waits", reason=first_line(error))
                if self._stopping.wait(RETRY_WAIT_S):
                    return
                self._sing()
            else:
                return

    def _sing(self) -> None:
        """Publish the canary when it is due, whatever the database does."""
        now_us = self._clock.monotonic_us()
        if now_us >= self._canary_due_us:
            self._link.sing(self._clock.now_us())
            self._canary_due_us = now_us + CANARY_INTERVAL_S * 1_000_000

    def state(self) -> EngineState:
        """Return the state that decides; read from the database at first, and after an unsure commit."""
        if self._state is None:
            self._state = self._first()
        elif self._unsure:
            self._state = self._looked_up(self._state)
        self._unsure = False
        return self._state

    def _first(self) -> EngineState:
        """Begin where the process before left off, at the latest: our clock never goes back by a restart."""
        with self._database.write() as connection:
            past_us = facts.marked(connection, facts.LAST_CYCLE)
            now_us = self._clock.now_us()
            back_us = 0 if past_us is None else max(0, past_us - now_us)
            back_us = back_us if back_us > STEP_US else 0
            state = first_state(
                connection,
                self._terms.contract,
                now_us=now_us + back_us,
                monotonic_us=self._clock.monotonic_us(),
                past_us=past_us,
            )
        self._clock.shift(back_us)
        return state

    def _looked_up(self, state: EngineState) -> EngineState:
        """Read again what an unsure commit may have written, a move of our clock too."""
        with self._database.read() as connection:
            instant, events = self._instant(), events_after(connection, state.clock_event)
            keeping, shift_us = keeping_after_unsure(state.timekeeping, events, instant)
            found = restored_state(connection, self._terms.contract, state, instant.now_us + shift_us)
        self._clock.shift(shift_us)
        return replace(found, timekeeping=keeping)

    def _instant(self) -> Instant:
        clock = self._clock
        return Instant(now_us=clock.now_us(), host_us=clock.host_us(), monotonic_us=clock.monotonic_us())

    def take(self, batch: list[Received]) -> None:
        """Store one batch, then acknowledge it."""
        try:
            self._store(batch)
        except Exception as error:
            if is_database_trouble(error):
                raise
            log.exception("batch_split", messages=len(batch))
            self._take_singly(batch)
        self.health.messages += len(batch)
        self._link.acknowledge(batch)

    def _store(self, batch: list[Received]) -> None:
        state, dated = self.state(), self._dated(batch)
        with self._committing() as connection:
            stored = store_messages(connection, state, dated, self._terms)
        self._state = stored.state
        if stored.settled or stored.desired:
            self.outgoing.batch_stored(stored.desired, stored.settled)
        self.health.refused += stored.refused

    def _dated(self, batch: list[Received]) -> list[Received]:
        """Return the messages dated by our clock as it is now: it may have moved while they waited."""
        moved_us = self._clock.moved_monotonic_us
        return [
            message
            if message.monotonic_us is None or message.monotonic_us > moved_us
            else replace(message, received_at_us=self._clock.utc_us(message.monotonic_us))
            for message in batch
        ]

    def _take_singly(self, batch: list[Received]) -> None:
        for message in batch:
            try:
                self._store([message])
            except Exception as error:
                if is_database_trouble(error):
                    raise
                with self._database.write() as connection:
                    refuse_message(connection, message, error)
                self.health.refused += 1

    def cycle(self) -> None:
        """Decide what the network is at this instant, in one transaction, and publish it."""
        self._sing()
        began_us = self._clock.monotonic_us()
        state, arrived = self.state(), self.outgoing.arrived
        instant = self._instant()
        senses = Senses(
            instant=instant,
            last_echo_monotonic_us=self._link.last_echo_monotonic_us,
            broker_error=self._link.last_error,
            arrived=arrived,
            weighed=self._weighed(state, instant),
            requests=self._requests(state, instant),
        )
        with self._committing() as connection:
            outcome = run_cycle(connection, state, senses, self._terms, self._clock)
        self._state = state = outcome.state
        self._clock.shift(outcome.shift_us)
        self.outgoing.noted(arrived)
        if outcome.shift_us:
            log.warning("clock_followed", shift_us=outcome.shift_us)
        if outcome.sight_change is not None:
            log.warning("sight_changed", change=str(outcome.sight_change))
        network = outcome.network
        self.timelines = outcome.state.timelines(network.at_us)
        self._feed.publish(network)
        self.outgoing.publish(outcome.state.memory, network.at_us)
        self.hearing.look(state.memory, state.registry, network.at_us, self._clock.monotonic_us())
        self.health.cycles += 1
        self.health.last_cycle_us = network.at_us
        self.health.last_cycle_monotonic_us = began_us
        self.health.clock = outcome.state.timekeeping.quality
        self.health.clock_difference_us = senses.instant.host_us - network.at_us
        self.health.last_cycle_took_us = self._clock.monotonic_us() - began_us

    def _weighed(self, state: EngineState, instant: Instant) -> Weighed:
        """Return what rollouts and permits would do next, by the newest cycle; nobody waits for it."""
        if (network := state.view.network) is None:
            return NOTHING
        due = instant.monotonic_us >= state.permits_due_us
        with self._database.read() as connection:
            return weigh(connection, network, self._terms.contract, instant.now_us, permits_due=due)

    def _requests(self, state: EngineState, instant: Instant) -> tuple[WeighedRequest, ...]:
        """Return the approved pushes that are due."""
        if state.view.network is None:
            return ()
        with self._database.read() as connection:
            return weigh_requests(connection, state.view.network, self._terms.contract, instant.now_us)

    @contextmanager
    def _committing(self) -> Iterator[Connection]:
        """Give a transaction; note when nobody knows whether it was committed."""
        try:
            with self._database.write() as connection:
                yield connection
        except CommitUnsure:
            self._unsure = True
            raise
