"""How much one gateway may say: bursts after a lost line, and a steady pace, by kind of message; pure.

Each kind has one instant, the one at which all that was said would have been said at the steady pace; it may
lie ahead of the clock by a burst (the generic cell rate algorithm).  What is beyond is refused by name, so
that no gateway makes the cycle of the others longer.

Sources: ITU-T I.371 annex A (GCRA, virtual scheduling).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from fleet.durations import SECOND_US
from fleet.evidence.coherence import Incoherent
from fleet.facts.runs import Outcome


class MessageKind(StrEnum):
    """What is counted apart, because it costs apart."""

    HEARTBEAT = "heartbeats"
    RUN = "runs"
    """Heartbeats that say something else than the one before: each is a row and a point of the timeline."""
    RECORD = "journal records"
    EVENT = "events"
    OTHER = "other messages"
    BOOT = "boots"
    BYTE = "bytes"
    PROCESSOR = "microseconds of processor time"
    """Ours, on the thread that decodes, checks and folds what it says."""


Counts: TypeAlias = tuple[tuple[MessageKind, int], ...]
"""How many of each kind."""


@dataclass(frozen=True, slots=True)
class Pace:
    """So many at once, then one every ``step_us``."""

    burst: int
    step_us: int


PACES: Mapping[MessageKind, Pace] = {
    MessageKind.HEARTBEAT: Pace(600, SECOND_US // 2),
    # a configuration allows one a second; ten minutes of it wait in a stalled line
    MessageKind.RUN: Pace(1_000, 30 * SECOND_US),
    # each heartbeat may differ from the one before, at the usual interval
    MessageKind.RECORD: Pace(50_000, 10 * SECOND_US),
    # what an agent keeps on its card (``agent.journal.store.RECORDS_LIMIT``)
    MessageKind.EVENT: Pace(100_000, SECOND_US),
    # what an agent keeps on its card (``agent.journal.store.EVENTS_LIMIT``)
    MessageKind.OTHER: Pace(600, SECOND_US),
    MessageKind.BOOT: Pace(200, 10 * SECOND_US),
    # a process that fails at once is started again every 10 s, for an hour half an hour's worth at once
    MessageKind.BYTE: Pace(64_000_000, 250),
    # all that an agent keeps on its card, 100,000 events and 50,000 records of 400 bytes; then 4 kB a second
    MessageKind.PROCESSOR: Pace(30_000_000, 20),
    # the same events and records at 200 us each; then a twentieth of the thread
}


def of_beat(outcome: Outcome, *, new_boot: bool) -> Counts:
    """Return what a heartbeat is charged beside its cost."""
    if outcome is not Outcome.NEW:
        return ((MessageKind.HEARTBEAT, 1),)
    run = ((MessageKind.HEARTBEAT, 1), (MessageKind.RUN, 1))
    return (*run, (MessageKind.BOOT, 1)) if new_boot else run


def cost(payload: bytes, processor_ns: int) -> Counts:
    """Return what every message is charged, whatever it says: its bytes, and our time for it."""
    return ((MessageKind.BYTE, len(payload)), (MessageKind.PROCESSOR, processor_ns // 1000))


class BeyondBudget(Incoherent):
    """A gateway said more of one kind than it can mean."""

    def __init__(self, kind: MessageKind, pace: Pace) -> None:
        super().__init__(f"{kind}: more than {pace.burst} at once and one every {pace.step_us} us")
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one gateway used of its paces."""

    used_until_us: Mapping[MessageKind, int] = field(default_factory=dict)

    def after(self, counts: Counts, now_us: int) -> "Allowance":
        """Return what is left after so many more of each kind; what is refused costs nothing.

        Raises:
            BeyondBudget: they are more than a gateway can mean.
        """
        used = dict(self.used_until_us)
        for kind, count in counts:
            pace = PACES[kind]
            until_us = max(used.get(kind, 0), now_us) + count * pace.step_us
            if until_us - now_us > pace.burst * pace.step_us:
                raise BeyondBudget(kind, pace)
            used[kind] = until_us
        return Allowance(used)


UNUSED = Allowance()
