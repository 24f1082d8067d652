"""Where in valid time a gateway's facts belong: by its own clock if believed, else by its uptime.

Heartbeats anchor the uptime of a boot: a believed one by its own time, any other by our reception as far as
its neighbours bear it out, because a line that stalls delays many at once.  Records are placed between them.

Sources: AVAILABILITY §1.
"""

from bisect import bisect_right
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from agent.wire.messages import TimeQuality
from fleet.facts.model import HeartbeatRun, JournalFact
from fleet.facts.runs import SELF_TRUSTED
from fleet.facts.settings import ContractSettings

DRIFT_PPM = 100
"""How fast a gateway's monotonic clock may run off from UTC, in millionths: twice the ±50 ppm of the
oscillator class in a Raspberry Pi."""


class Point(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One instant at which a gateway proved to be alive."""

    at_us: int
    uptime_ms: int
    journal_seq: int
    beat: HeartbeatRun | None = None
    """What a heartbeat said, else ``record``, else only life itself (the last time alive on disk)."""
    covered_to_seq: int = 0
    """Heartbeats follow without a gap up to this number."""
    seq: int = 0
    record: JournalFact | None = None
    contractual: str = ""
    """On a record: the contractual connector by the heartbeat before it, else by the first one."""


class Stamp(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A gateway's own idea of an instant, to be placed."""

    uptime_ms: int
    at_us: int
    quality: TimeQuality


def valid_time(stamp: Stamp, anchors: Sequence[Point], settings: ContractSettings) -> int:
    """Return the valid time of what a gateway told: its own time if believed, else by uptime.

    Between two heartbeats uptime is placed in proportion, outside at one microsecond a microsecond.  The
    gateway's own time is believed if it says GNSS or NTP, a neighbouring heartbeat was believed, and it is
    not further from the place of its uptime than the agreement plus what a clock may have drifted.
    """
    index = bisect_right(anchors, stamp.uptime_ms, key=lambda point: point.uptime_ms)
    before = anchors[index - 1] if index else None
    after = anchors[index] if index < len(anchors) else None
    if before is None or after is None:
        anchor = before or after
        assert anchor is not None
        placed_us = anchor.at_us + (stamp.uptime_ms - anchor.uptime_ms) * 1000
        reach_ms = abs(stamp.uptime_ms - anchor.uptime_ms)
    else:
        span_ms = after.uptime_ms - before.uptime_ms
        gone_ms = stamp.uptime_ms - before.uptime_ms
        placed_us = before.at_us + (after.at_us - before.at_us) * gone_ms // span_ms
        reach_ms = min(gone_ms, span_ms - gone_ms)
    neighbours = [point.beat for point in (before, after) if point is not None]
    if stamp.quality not in SELF_TRUSTED or not any(beat is not None and beat.trusted for beat in neighbours):
        return placed_us
    allowed_us = settings.time_agreement_us + reach_ms * DRIFT_PPM // 1000
    return stamp.at_us if abs(stamp.at_us - placed_us) <= allowed_us else placed_us


def placed_by_uptime(beats: Sequence[Point], settings: ContractSettings) -> list[Point]:
    """Return heartbeats, in order of uptime, with those of unbelieved clocks placed by their uptime.

    Our reception is never earlier than a heartbeat, and may be late by as much as the line stalled.  Between
    two believed neighbours its uptime is placed in proportion; beside only one, at one microsecond a
    microsecond while their clocks can have drifted by no more than the agreement; else by the least delayed
    reception around it.  Never after its own reception.
    """
    placed: list[Point] = []
    stretch: list[Point] = []
    before: Point | None = None
    for point in beats:
        if point.beat is None or not point.beat.trusted:
            stretch.append(point)
            continue
        placed += [*_placed(stretch, before, point, settings), point]
        stretch, before = [], point
    return placed + _placed(stretch, before, None, settings)


def _placed(
    stretch: Sequence[Point], before: Point | None, after: Point | None, settings: ContractSettings
) -> list[Point]:
    """Return heartbeats between two believed ones, or beside one, or alone."""
    if before is not None and after is not None and before.uptime_ms < after.uptime_ms:
        span_us, span_ms = after.at_us - before.at_us, after.uptime_ms - before.uptime_ms
        ats = [before.at_us + span_us * (point.uptime_ms - before.uptime_ms) // span_ms for point in stretch]
        return [replace(point, at_us=min(point.at_us, at)) for point, at in zip(stretch, ats, strict=True)]
    earliest = _least_delayed(stretch)
    anchor = before or after
    if anchor is None:
        return earliest
    return [_beside(point, anchor, settings) for point in earliest]


def _beside(point: Point, anchor: Point, settings: ContractSettings) -> Point:
    away_ms = point.uptime_ms - anchor.uptime_ms
    if abs(away_ms) * DRIFT_PPM // 1000 > settings.time_agreement_us:
        return point
    return replace(point, at_us=min(point.at_us, anchor.at_us + away_ms * 1000))


def _least_delayed(stretch: Sequence[Point]) -> list[Point]:
    """Return heartbeats no later than any other reception of the stretch allows, with the drift between."""
    ats = [point.at_us * 1000 for point in stretch]  # nanoseconds: drift is exact
    for order in (range(1, len(ats)), range(len(ats) - 2, -1, -1)):
        step = order.step
        for index in order:
            away_ms = stretch[index].uptime_ms - stretch[index - step].uptime_ms
            allowed = away_ms * 1_000_000 + abs(away_ms) * DRIFT_PPM
            ats[index] = min(ats[index], ats[index - step] + allowed)
    return [replace(point, at_us=at // 1000) for point, at in zip(stretch, ats, strict=True)]
