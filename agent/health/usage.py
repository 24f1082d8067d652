"""Bytes of the backhaul in this month, across reboots and counter resets (pure)."""

from enum import StrEnum

import msgspec

NEAR_SHARE = 0.8


class Level(StrEnum):
    """Where the month stands against its cap."""

    NORMAL = "normal"
    NEAR = "near"
    """Told once; nothing changes."""
    OVER = "over"
    """Sketches and notes wait on disk; frames, journal and heartbeats go on: service before savings."""


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
    return Level.OVER if usage.used_bytes >= cap_bytes else Level.NEAR
