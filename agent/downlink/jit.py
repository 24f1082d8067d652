"""The just-in-time queue of one RF chain, pure: what may be sent when, on the 64-bit timeline.

Sources: the rules and figures of the reference packet forwarder (``jitqueue.c`` of sx1302_hal 2.1.0, seen
from outside in peers' behaviour): 32 entries, 1.5 ms of start delay, 1 ms of margin, 512 s ahead, guard 3 s
and reserved time 2.12 s of beacons (LoRaWAN 1.0.4 §12.1).  Two of its answers are bettered: an instant that
has passed is TOO_LATE (not TOO_EARLY) and a full queue says so.
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Protocol

from agent.downlink.model import Code
from agent.timing.timebase import Anchor, GpsReference
from agent.wire import reasons
from agent.wire.reasons import Reason
from hal.packets import Transmission

QUEUE_LIMIT = 32
START_DELAY_US = 1_500
MARGIN_US = 1_000
REPROGRAM_US = 6_000
"""Two packets are so far apart beside start delay and margin: the chip holds one, and the next can only be
written when the one before is over.  The reference accepts packets 2.5 ms apart and then cannot send them.
"""
LEAD_US = 32_500
"""With start delay and margin a downlink is taken up to 35 ms before its start."""
MIN_LEAD_US = START_DELAY_US + MARGIN_US + LEAD_US
PACKET_GAP_US = START_DELAY_US + MARGIN_US + REPROGRAM_US
MAX_ADVANCE_US = 512_000_000
PROGRAM_AHEAD_US = 50_000
"""The chip is programmed this long ahead, so that a thread that wakes 15 ms late still makes it."""
ASAP_LEAD_US = 80_000
"""Class C leaves this long after it was asked for, or in the first gap after that."""
BEACON_GUARD_US = 3_000_000
BEACON_RESERVED_US = 2_120_000


class EntryKind(IntEnum):
    """Which rules an entry follows."""

    CLASS_A = 0
    CLASS_B = 1
    CLASS_C = 2
    BEACON = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One accepted transmission."""

    ticket: int
    kind: EntryKind
    start_us: int
    airtime_us: int
    transmission: Transmission
    priority: int = 0

    @property
    def end_us(self) -> int:
        return self.start_us + self.airtime_us


@dataclass(frozen=True, slots=True, kw_only=True)
class JitQueue:
    """Entries in order of their start, and the one that the chip holds."""

    entries: tuple[Entry, ...] = ()
    programmed: Entry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulingRefused:
    """Why an entry was not taken."""

    code: Code
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """An entry with its final start, and what it displaces: queued entries of a lower priority."""

    entry: Entry
    displaced: tuple[Entry, ...] = ()


def schedule(queue: JitQueue, entry: Entry, now_us: int) -> Scheduled | SchedulingRefused:
    """Return where an entry goes, or why it cannot be had; a class C start is chosen here."""
    busy = _busy(queue, now_us)
    if len(queue.entries) >= QUEUE_LIMIT:
        return SchedulingRefused(
            code=Code.QUEUE_FULL, reason=reasons.downlink.queue_full(limit_downlinks=QUEUE_LIMIT)
        )
    if entry.kind is EntryKind.CLASS_C:
        return _first_gap(busy, entry, now_us)
    if entry.kind is not EntryKind.BEACON:
        refused = _judge_time(entry.start_us - now_us)
        if refused:
            return refused
    colliding = tuple(other for other in busy if _collide(entry, other))
    for other in colliding:
        if other is queue.programmed or other.priority >= entry.priority:
            return _collision(other)
    return Scheduled(entry=entry, displaced=colliding)


def insert(queue: JitQueue, scheduled: Scheduled) -> JitQueue:
    """Return the queue with a placed entry, and without what that displaces."""
    gone = {entry.ticket for entry in scheduled.displaced}
    kept = [entry for entry in queue.entries if entry.ticket not in gone]
    entries = sorted([*kept, scheduled.entry], key=lambda queued: (queued.start_us, queued.ticket))
    return JitQueue(entries=tuple(entries), programmed=queue.programmed)


def due(queue: JitQueue, now_us: int) -> tuple[JitQueue, Entry | None, tuple[Entry, ...]]:
    """Return (queue, entry to program now or None, entries whose instant has passed)."""
    if not queue.entries and queue.programmed is None:
        return queue, None, ()
    missed = tuple(entry for entry in queue.entries if entry.start_us - now_us < START_DELAY_US)
    rest = queue.entries[len(missed) :]
    programmed = queue.programmed
    if programmed is not None and now_us > programmed.end_us + MARGIN_US:
        programmed = None
    ready = programmed is None and bool(rest) and rest[0].start_us - now_us <= PROGRAM_AHEAD_US
    entry = rest[0] if ready else None
    after = JitQueue(entries=rest[1:] if ready else rest, programmed=entry or programmed)
    return after, entry, missed


def next_due_us(queue: JitQueue) -> int | None:
    """Return when ``due`` has something to do; None for an empty queue."""
    if not queue.entries:
        return None
    first = queue.entries[0].start_us - PROGRAM_AHEAD_US
    return first if queue.programmed is None else max(first, queue.programmed.end_us + MARGIN_US + 1)


def cancel(queue: JitQueue, ticket: int) -> JitQueue:
    """Return the queue without an entry that the radio has not been given."""
    entries = tuple(entry for entry in queue.entries if entry.ticket != ticket)
    return JitQueue(entries=entries, programmed=queue.programmed)


def _busy(queue: JitQueue, now_us: int) -> tuple[Entry, ...]:
    if queue.programmed is None or queue.programmed.end_us < now_us:
        return queue.entries
    return (queue.programmed, *queue.entries)


def _judge_time(ahead_us: int) -> SchedulingRefused | None:
    if ahead_us < MIN_LEAD_US:
        if ahead_us >= 0:
            why = reasons.downlink.too_soon(ahead_us=ahead_us, least_us=MIN_LEAD_US)
        else:
            why = reasons.downlink.already_past(late_us=-ahead_us, least_us=MIN_LEAD_US)
        return SchedulingRefused(code=Code.TOO_LATE, reason=why)
    if ahead_us > MAX_ADVANCE_US:
        why = reasons.downlink.too_early(ahead_us=ahead_us, most_us=MAX_ADVANCE_US)
        return SchedulingRefused(code=Code.TOO_EARLY, reason=why)
    return None


def _first_gap(busy: tuple[Entry, ...], entry: Entry, now_us: int) -> Scheduled | SchedulingRefused:
    starts = [now_us + ASAP_LEAD_US, *(other.end_us + PACKET_GAP_US for other in busy)]
    obstacle: Entry | None = None
    for start_us in sorted(start for start in starts if start >= now_us + ASAP_LEAD_US):
        candidate = replace(entry, start_us=start_us)
        obstacle = next((other for other in busy if _collide(candidate, other)), None)
        if obstacle is None:
            return Scheduled(entry=candidate)
    if obstacle is not None:
        return _collision(obstacle)
    return SchedulingRefused(code=Code.COLLISION_PACKET, reason=reasons.downlink.no_gap())


def _collide(entry: Entry, other: Entry) -> bool:
    """Return whether two entries are too close, start delays and margin included."""
    return (
        entry.start_us - _before(entry, other)
        < other.start_us + _after(other) + PACKET_GAP_US - START_DELAY_US
        and other.start_us - _before(other, entry)
        < entry.start_us + _after(entry) + PACKET_GAP_US - START_DELAY_US
    )


def _before(entry: Entry, other: Entry) -> int:
    guarded = entry.kind is EntryKind.BEACON and other.kind is EntryKind.CLASS_B
    return START_DELAY_US + (BEACON_GUARD_US if guarded else 0)


def _after(entry: Entry) -> int:
    return BEACON_RESERVED_US if entry.kind is EntryKind.BEACON else entry.airtime_us


def _collision(other: Entry) -> SchedulingRefused:
    if other.kind is EntryKind.BEACON:
        beacon = reasons.downlink.beacon_there(start_us=other.start_us)
        return SchedulingRefused(code=Code.COLLISION_BEACON, reason=beacon)
    why = reasons.downlink.downlink_there(start_us=other.start_us, airtime_us=other.airtime_us)
    return SchedulingRefused(code=Code.COLLISION_PACKET, reason=why)


class TransmitQueue(Protocol):
    """See ``agent.downlink.scheduler``."""

    @property
    def waiting(self) -> bool:
        """Whether an entry is queued."""
        ...

    def due(self, counter_us: int) -> Entry | None:
        """Return the entry to program now."""
        ...

    def next_due_us(self) -> int | None:
        """Return the counter at which ``due`` has something to do."""
        ...

    def anchored(self, anchor: Anchor | None, gps: GpsReference | None) -> None:
        """Take in the relation of counter and clocks; None while the radio is off."""
        ...
