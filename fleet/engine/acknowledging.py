"""Acknowledgements of the journal on their way to the gateways: after the commit, and questions for gaps.

    settled in a batch    owed; within ``ACKNOWLEDGE_EVERY_US`` the newest of each boot goes out
    open for a while      asked for, less and less often (``fleet.evidence.acknowledgement``)

An acknowledgement that is lost costs nothing: the next names the prefix again, and a gateway that starts anew
sends what was not acknowledged, which is acknowledged then.
"""

from collections.abc import Callable, Iterable

from sqlalchemy import Connection

from agent.wire.messages import JournalAcked, encode
from agent.wire.topics import JOURNAL_ACK, topic
from fleet.durations import SECOND_US
from fleet.evidence.acknowledgement import (
    ASKS_LIMIT,
    Asked,
    Key,
    Progress,
    missing,
    next_question,
    open_progress,
    stored_seqs,
)

ACKNOWLEDGE_EVERY_US = 5 * SECOND_US
"""A gateway gets one acknowledgement in that time, whatever it sends."""
LOOK_EVERY_US = 10 * SECOND_US
ALIVE_US = 120 * SECOND_US
"""Who was not heard for so long is not asked."""
OWED_LIMIT = 40_000
"""Boots whose acknowledgement waits for the broker; beyond it the newest wait for the next record."""

Publish = Callable[[str, bytes], bool]
"""(topic, payload) → whether it was taken."""


class Acknowledger:
    """Used by the engine's thread only; what it remembers may be lost."""

    def __init__(self) -> None:
        self._owed: dict[Key, Progress] = {}
        self._asked: dict[Key, Asked] = {}
        self._acknowledge_due_us = self._look_due_us = 0
        self.acknowledged = 0
        self.asked = 0

    @property
    def unanswered(self) -> int:
        """Boots that were asked for in vain, and are asked for no more."""
        return sum(one.tries >= ASKS_LIMIT for one in self._asked.values())

    def settled(self, found: Iterable[Progress]) -> None:
        """Take what a committed batch has settled."""
        for known in found:
            if len(self._owed) < OWED_LIMIT or known.key in self._owed:
                self._owed[known.key] = known

    def speak(
        self, connection: Connection, publish: Publish, unheard_us: Callable[[str], int | None], now_us: int
    ) -> None:
        """Publish what is due at ``now_us`` of the monotonic clock; ``unheard_us``: how long ago, by EUI."""
        if now_us >= self._acknowledge_due_us:
            self._acknowledge_due_us = now_us + ACKNOWLEDGE_EVERY_US
            self._acknowledge(publish)
        if now_us >= self._look_due_us:
            self._look_due_us = now_us + LOOK_EVERY_US
            self._ask(connection, publish, unheard_us, now_us)

    def _acknowledge(self, publish: Publish) -> None:
        for key, known in list(self._owed.items()):
            if not publish(
                topic(known.eui, JOURNAL_ACK), encode(JournalAcked(known.boot, known.through_seq))
            ):
                return
            self.acknowledged += 1
            del self._owed[key]

    def _ask(
        self, connection: Connection, publish: Publish, unheard_us: Callable[[str], int | None], now_us: int
    ) -> None:
        asked: dict[Key, Asked] = {}
        for known in open_progress(connection):
            since_us = unheard_us(known.eui)
            if since_us is None or since_us > ALIVE_US:
                if known.key in self._asked:
                    asked[known.key] = self._asked[known.key]
                continue
            due, after = next_question(self._asked.get(known.key), known, now_us)
            if due:
                spans = missing(known, stored_seqs(connection, known))
                question = JournalAcked(known.boot, known.through_seq, spans)
                if not publish(topic(known.eui, JOURNAL_ACK), encode(question)):
                    after = self._asked[known.key]
                else:
                    self.asked += 1
            asked[known.key] = after
        self._asked = asked
