"""What the spool can do at this instant, when it tries again, and what the journal is told of it.

ABSENT ── opened ──▶ loaded: did the file note ids for us? ── no ──▶ UNNUMBERED (read, not written)
  ▲                                     └── yes ──▶ ACCEPTING ◀── write refused, taken again ──▶ FULL
  └── damaged or unreadable, from every state; an id that collides makes UNNUMBERED
"""

from enum import Enum, auto

from agent.clock import Clock
from agent.journal_port import JournalPort
from agent.wire import reasons
from agent.wire.messages import Change
from agent.wire.reasons import Reason


class State(Enum):
    """The states of the spool; the top of this file says how they follow."""

    ABSENT = auto()
    UNNUMBERED = auto()
    FULL = auto()
    ACCEPTING = auto()


class Condition:
    """The state; the journal gets each change between accepting and not."""

    def __init__(self, clock: Clock, journal: JournalPort) -> None:
        self._clock, self._journal = clock, journal
        self._reported_accepting = True
        self.state = State.ABSENT
        self.retry_at_us = 0

    @property
    def accepting(self) -> bool:
        """Whether the disk took what it was last given."""
        return self.state is State.ACCEPTING

    def accept(self) -> None:
        """Take in that the disk took what it was given."""
        self.state = State.ACCEPTING
        if not self._reported_accepting:
            self._reported_accepting = True
            self._record("ACCEPTING", reasons.spool.writes_again())

    def refuse(self, state: State, why: Reason, retry_s: float) -> None:
        """Take in that the disk does less than accept, and when it is tried again."""
        self.state = state
        self.retry_at_us = self._clock.monotonic_us() + int(retry_s * 1_000_000)
        if self._reported_accepting:
            self._reported_accepting = False
            self._record("FULL", why)

    def report(self, value: str, reason: Reason) -> None:
        """Record what happened to the file; whether it is written from here on is reported next."""
        self._reported_accepting = False
        self._record(value, reason)

    def _record(self, value: str, reason: Reason) -> None:
        self._journal.record(Change.SPOOL, "spool", value, reason)
