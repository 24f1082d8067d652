"""What leaves for the broker after a commit: envelopes, acknowledgements, answers, what the broker forgot.

What it retains as desired is compared with what is desired, after each connection:

    connected ─ retained configurations come ─▶ ``LOOK_AFTER_US`` later, and none for ``QUIET_US`` ─▶ compared
                                                 missing or other ─▶ published anew

A broker that was killed has its store of up to 30 s before (``autosave_interval``), or none.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, Update

from agent.wire.topics import split
from fleet.broker.link import BrokerLink
from fleet.broker.received import Received
from fleet.clock import FleetClock
from fleet.configurations import reconcile, store
from fleet.db.connect import Database
from fleet.durations import SECOND_US
from fleet.engine.acknowledging import Acknowledger
from fleet.engine.neighbours import NeighbourAnswers
from fleet.evidence.acknowledgement import Progress
from fleet.live.memory import Memory

ARRIVED_LIMIT = 100_000
"""Arrivals at the broker that wait to be noted; beyond, an envelope is published again."""
LOOK_AFTER_US = 15 * SECOND_US
QUIET_US = 5 * SECOND_US

log = structlog.get_logger("fleet.engine")


class DesiredCheck:
    """Used by the engine's thread only; a comparison that is too early publishes what is there already."""

    def __init__(self) -> None:
        self._epoch = 0
        self._retained: dict[str, bytes] = {}
        self._due_us: int | None = None
        self.published_anew = 0

    def take(self, batch: Iterable[Received], now_us: int) -> None:
        """Remember what the broker retains for each gateway: it gives us what we publish, too."""
        for message in batch:
            self.connected(message.epoch, now_us)
            if self._due_us is not None and message.epoch == self._epoch:
                self._retained[split(message.topic)[0]] = hashlib.sha256(message.payload).digest()
                self._due_us = max(self._due_us, now_us + QUIET_US)

    def connected(self, epoch: int, now_us: int) -> None:
        """Begin anew with a connection."""
        if epoch > self._epoch:
            self._epoch, self._retained, self._due_us = epoch, {}, now_us + LOOK_AFTER_US

    def due(self, now_us: int) -> bool:
        """Return whether all that is retained has come."""
        return self._due_us is not None and now_us >= self._due_us

    def differing(self, connection: Connection) -> list[tuple[str, int]]:
        """Return EUI and version of what the broker does not retain as it should."""
        return [
            (eui, version)
            for eui, version, envelope in store.envelopes_at_broker(connection)
            if self._retained.get(eui) != hashlib.sha256(envelope).digest()
        ]

    def compared(self, differing: int) -> None:
        """Be done with this connection: what differs will go out anew."""
        self._due_us, self._retained = None, {}
        self.published_anew += differing


class Outgoing:
    """Used by the engine's thread; the broker's thread only notes what has arrived."""

    def __init__(
        self, database: Database, link: BrokerLink, clock: FleetClock, key: Ed25519PublicKey
    ) -> None:
        self._database = database
        self._link = link
        self._clock = clock
        self._key = key
        self.forged: Mapping[str, int] = {}
        """EUI → version that waits for the broker and is not what we signed: it does not go out."""
        self._arrived: deque[Update] = deque()
        self.acknowledger = Acknowledger()
        self.desired = DesiredCheck()
        self.neighbours = NeighbourAnswers()

    def counts(self) -> dict[str, int]:
        """Return what went out anew, and what does not go out because we did not sign it."""
        anew = self.desired.published_anew
        return {"desired_published_anew": anew, "configurations_forged": len(self.forged)}

    @property
    def arrived(self) -> tuple[Update, ...]:
        """The notes that the broker has an envelope, to be written in the next cycle."""
        return tuple(self._arrived)

    def noted(self, arrived: Sequence[Update]) -> None:
        """Forget notes that are committed."""
        for _ in arrived:
            self._arrived.popleft()

    def batch_stored(self, desired: Iterable[Received], settled: Iterable[Progress]) -> None:
        """Take in what a committed batch says of journals and of what the broker retains."""
        self.acknowledger.settled(settled)
        self.desired.take(desired, self._clock.monotonic_us())

    def publish(self, memory: Memory, now_us: int) -> None:
        """Hand to the broker what is due."""

        def envelope(topic: str, payload: bytes, retain: bool, done: Callable[[], None]) -> bool:
            return self._link.publish(topic, payload, retain=retain, done=done)

        def answer(topic: str, payload: bytes) -> bool:
            return self._link.publish(topic, payload, retain=False, done=_nothing)

        def unheard_us(eui: str) -> int | None:
            at_us = memory.of(eui).heartbeat_at_us
            return None if at_us is None else now_us - at_us

        monotonic_us = self._clock.monotonic_us()
        self._compare_desired(monotonic_us)
        with self._database.read() as connection:
            self.forged = reconcile.publish_waiting(connection, envelope, self._note_arrival, self._key)
            self.acknowledger.speak(connection, answer, unheard_us, monotonic_us)
            self.neighbours.speak(connection, answer, memory, now_us, monotonic_us)

    def _compare_desired(self, monotonic_us: int) -> None:
        """After a connection: let what the broker has forgotten go out anew."""
        self.desired.connected(self._link.epoch, monotonic_us)
        if not self.desired.due(monotonic_us):
            return
        with self._database.read() as connection:
            found = self.desired.differing(connection)
        if found:
            with self._database.write() as connection:
                store.publish_anew(connection, found)
            log.warning("desired_published_anew", gateways=len(found), epoch=self._link.epoch)
        self.desired.compared(len(found))

    def _note_arrival(self, statement: Update) -> None:
        if len(self._arrived) < ARRIVED_LIMIT:
            self._arrived.append(statement)


def _nothing() -> None:
    return
