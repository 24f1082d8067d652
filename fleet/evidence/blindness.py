"""Our own blindness: positive proof, from the canary and from our own silence (AVAILABILITY §4).

``step`` is pure.  The canary is published and read back every few seconds; when its echo is missing for
``CANARY_MISSING_US`` we are blind, from the last echo on, until the next.  After a start, the time since the
last cycle that ever ran is blind too: nobody looked.
"""

from dataclasses import dataclass

from fleet.durations import SECOND_US
from fleet.lang.reasons import FleetReason, own

CANARY_MISSING_US = 15 * SECOND_US
"""Three canaries (``fleet.broker.link.CANARY_INTERVAL_S``); far below the 90 s that confirm silence."""
RESTART_GAP_US = 10_000_000
"""A cycle comes every second; a longer gap is a time in which nobody looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """We are blind since ``from_us``."""

    from_us: int
    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """We see again since ``until_us``."""

    until_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Eyes:
    """What is known of our own sight."""

    since_us: int
    """Start of this process, or the last cycle of the one before when that was long ago."""
    last_echo_us: int | None
    blind: bool
    reason: str = ""
    """The broker link's own words about its trouble."""


def step(eyes: Eyes, now_us: int) -> Opened | Closed | None:
    """Return what changes about our sight at ``now_us``."""
    seen_us = eyes.since_us if eyes.last_echo_us is None else eyes.last_echo_us
    missing = now_us - seen_us >= CANARY_MISSING_US
    if eyes.blind:
        fresh = eyes.last_echo_us is not None and not missing
        return Closed(until_us=eyes.last_echo_us) if fresh and eyes.last_echo_us is not None else None
    if missing:
        reason = (
            own(FleetReason.BROKER_LOST, detail=eyes.reason) if eyes.reason else own(FleetReason.NO_CANARY)
        )
        return Opened(from_us=seen_us, path="broker", reason=reason)
    return None


def restart_gap(last_cycle_us: int | None, now_us: int) -> Opened | None:
    """Return the blindness between two lives of this process."""
    if last_cycle_us is None or now_us - last_cycle_us < RESTART_GAP_US:
        return None
    return Opened(from_us=last_cycle_us, path="ingest", reason=own(FleetReason.NOT_RUNNING))
