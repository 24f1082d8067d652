"""The look at our clock in a cycle's transaction: what it is worth, what moves when it follows the host's.

The pure rule is ``fleet.evidence.timekeeping``; gateways vote by their newest heartbeats.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from fleet.durations import SECOND_US
from fleet.engine.redate import redate
from fleet.engine.state import EngineState, restored_state
from fleet.evidence import facts
from fleet.evidence.blindness import Closed, Opened
from fleet.evidence.clock_events import ClockChange, ClockEvent, note_event, wrong_from
from fleet.evidence.timekeeping import (
    STEP_US,
    VOTE_LIFE_US,
    Adoption,
    ClockQuality,
    ClockReading,
    Timekeeping,
    step,
)
from fleet.facts.runs import SELF_TRUSTED
from fleet.facts.settings import ContractSettings
from fleet.lang.reasons import FleetReason, own
from fleet.live.memory import Memory

LOOK_EVERY_US = 10 * SECOND_US
"""While the host's clock stays where it is; else every cycle looks."""
BLIND_PATH = "clock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """All clocks of the host at the beginning of a cycle."""

    now_us: int
    """Our UTC."""
    host_us: int
    monotonic_us: int

    def shifted(self, by_us: int) -> "Instant":
        """Return the instant after our UTC has moved."""
        return replace(self, now_us=self.now_us + by_us)

    def utc_us(self, monotonic_us: int | None) -> int | None:
        """Return our UTC at an instant of the monotonic clock."""
        return None if monotonic_us is None else self.now_us + monotonic_us - self.monotonic_us


def look_at_clocks(
    connection: Connection, state: EngineState, instant: Instant, settings: ContractSettings
) -> tuple[EngineState, int]:
    """Return the state that knows what our clock is worth, and by how much it is to move."""
    stepped = abs(instant.host_us - instant.now_us) > STEP_US or state.timekeeping.stepped_us is not None
    if not stepped and instant.monotonic_us < state.clocks_due_us:
        return state, 0
    reading = ClockReading(
        now_us=instant.now_us,
        host_us=instant.host_us,
        monotonic_us=instant.monotonic_us,
        votes=votes(state.memory, instant.now_us),
    )
    keeping, adoption = step(state.timekeeping, reading)
    state = replace(state, clocks_due_us=instant.monotonic_us + LOOK_EVERY_US)
    if adoption is not None:
        state = _followed(connection, state, instant, settings, adoption=adoption, quality=keeping.quality)
        return replace(state, timekeeping=keeping), adoption.shift_us
    if keeping.quality is not state.timekeeping.quality:
        event = ClockEvent(
            at_us=instant.now_us,
            change=ClockChange.QUALITY,
            quality=keeping.quality,
            difference_us=instant.host_us - instant.now_us,
        )
        state = replace(state, clock_event=note_event(connection, event))
    return replace(state, timekeeping=keeping), 0


def votes(memory: Memory, now_us: int) -> list[int]:
    """Return how far ahead of ours the clock of each gateway is that told lately, from NTP or GNSS."""
    found = []
    for known in memory.gateways.values():
        beat, at_us = known.heartbeat, known.heartbeat_at_us
        if beat is None or at_us is None or beat.time_quality not in SELF_TRUSTED:
            continue
        if now_us - at_us <= VOTE_LIFE_US:
            found.append(beat.at_us - at_us)
    return found


def _followed(
    connection: Connection,
    state: EngineState,
    instant: Instant,
    settings: ContractSettings,
    *,
    adoption: Adoption,
    quality: ClockQuality,
) -> EngineState:
    """Move what we dated; if we dated something before, the time that is leapt over is blind.

    So is the time since the last proof of each gateway before it: what bridges a gap is one timeline.
    """
    shift_us, known = adoption.shift_us, state.timekeeping
    from_us = wrong_from(connection, adoption.from_us, shift_us)
    redate(connection, replace(adoption, from_us=from_us))
    now_us = instant.now_us + shift_us
    if shift_us > 0 and (known.past_us or from_us > known.began_us):
        since_us = from_us - settings.silence_confirmed_us
        gap = Opened(from_us=since_us, path=BLIND_PATH, reason=own(FleetReason.CLOCK_FORWARD))
        facts.store_closed_sight(connection, gap, Closed(until_us=from_us + shift_us), now_us)
    event = ClockEvent(
        at_us=instant.now_us,
        change=ClockChange.FOLLOWED,
        quality=quality,
        difference_us=shift_us,
        shift_us=shift_us,
        from_us=from_us,
    )
    note_event(connection, event)
    return restored_state(connection, settings, state, now_us)


def keeping_after_unsure(
    known: Timekeeping, events: Sequence[ClockEvent], instant: Instant
) -> tuple[Timekeeping, int]:
    """Return what is known of our clock after ``events`` that a commit wrote unseen, and how far it moved."""
    if not events:
        return known, 0
    shift_us = sum(event.shift_us for event in events)
    known = replace(known, quality=events[-1].quality)
    if not shift_us:
        return known, 0
    instant = instant.shifted(shift_us)
    begun = replace(
        known,
        began_us=instant.now_us,
        began_monotonic_us=instant.monotonic_us,
        past_us=instant.now_us,
        stepped_us=None,
        contradicted_us=None,
    )
    return begun, shift_us
