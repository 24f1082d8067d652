"""Bytes of the backhaul in this month, across reboots and counter resets, and what stops at the cap (pure).

    share of the cap     what stops, each on top of those before
    below 80 %           nothing
    80 %  NEAR           bulk: speed tests, downloads of updates
    90 %  LOW            events: details, sketches, notes wait on disk
    100 % OVER           backlog: stored frames leave at one a second and connector

Live frames, journal, heartbeats and answers to commands never stop: service before savings.
"""

from enum import StrEnum

import msgspec

from agent.wire import reasons
from agent.wire.reasons import Reason

NEAR_SHARE, LOW_SHARE = 0.8, 0.9
KEEP_BYTES = 1_000_000
"""Counted and not on disk yet; a power cut forgets at most this, or half an hour."""


class Level(StrEnum):
    """How much of the month's cap is used."""

    NORMAL = "normal"
    NEAR = "near"
    LOW = "low"
    OVER = "over"


class TrafficKind(StrEnum):
    """What can be stopped, in the order in which it is."""

    BULK = "bulk"
    EVENTS = "events"
    BACKLOG = "backlog"


_ORDER = ((Level.NEAR, TrafficKind.BULK), (Level.LOW, TrafficKind.EVENTS), (Level.OVER, TrafficKind.BACKLOG))


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Counted so far in ``month`` (``2026-11``), and the interface counters last seen."""

    month: str = ""
    used_bytes: int = 0
    counter_bytes: int = 0


def count(usage: Usage, month: str, counter_bytes: int) -> Usage:
    """Return the usage after the interfaces' counters stand at ``counter_bytes``.

    >>> count(Usage(month="2026-11", used_bytes=10, counter_bytes=100), "2026-11", 130).used_bytes
    40
    >>> count(Usage(month="2026-11", used_bytes=10, counter_bytes=100), "2026-11", 5).used_bytes
    15
    """
    new = counter_bytes - usage.counter_bytes
    new = counter_bytes if new < 0 else new
    before = usage.used_bytes if usage.month == month else 0
    return Usage(month=month, used_bytes=before + new, counter_bytes=counter_bytes)


def level(usage: Usage, cap_bytes: int | None) -> Level:
    """Return where the month stands; without a cap always NORMAL.

    >>> level(Usage(used_bytes=80), 100).value
    'near'
    """
    if cap_bytes is None or usage.used_bytes < NEAR_SHARE * cap_bytes:
        return Level.NORMAL
    if usage.used_bytes < LOW_SHARE * cap_bytes:
        return Level.NEAR
    return Level.LOW if usage.used_bytes < cap_bytes else Level.OVER


_NAMES = {
    TrafficKind.BULK: reasons.recovery.bulk,
    TrafficKind.EVENTS: reasons.recovery.events,
    TrafficKind.BACKLOG: reasons.recovery.backlog,
}


def why_stopped(kinds: frozenset[TrafficKind]) -> Reason:
    """Return what the cap has stopped, for people."""
    if not kinds:
        return reasons.recovery.nothing_stopped()
    return reasons.recovery.traffic_stopped(
        traffic=tuple(_NAMES[kind]() for kind in TrafficKind if kind in kinds)
    )


def stopped(reached: Level) -> frozenset[TrafficKind]:
    """Return what has stopped at a level.

    >>> sorted(stopped(Level.LOW))
    [<TrafficKind.BULK: 'bulk'>, <TrafficKind.EVENTS: 'events'>]
    """
    order = [None, *(reached for reached, _ in _ORDER)]
    height = order.index(None if reached is Level.NORMAL else reached)
    return frozenset(kind for _, kind in _ORDER[:height])
