"""AVAILABILITY §1 « Horloge » read a second time: when facts of clocks that are not believed happened.

Every heartbeat is compared with every other, one at a time, in nanoseconds; nothing is swept or chained.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import msgspec

from agent.wire.messages import PreviousBoot, TimeQuality
from fleet.facts.model import GatewayFacts, HeartbeatRun, JournalFact
from fleet.facts.settings import ContractSettings

OWN_CLOCK = (TimeQuality.NTP, TimeQuality.GNSS)
DRIFT_NS_PER_MS = 100


@dataclass(frozen=True, slots=True)
class _Beat:
    uptime_ms: int
    at_us: int
    believed: bool


def placed(facts: GatewayFacts, settings: ContractSettings) -> GatewayFacts:
    """Return the facts with the times that the text gives them."""
    heard: dict[int, list[_Beat]] = {}
    for run in facts.runs:
        first = _Beat(run.first_uptime_ms, run.first_at_us, run.trusted)
        last = _Beat(run.last_uptime_ms, run.last_at_us, run.trusted)
        heard.setdefault(run.boot, []).extend((first, last))
    beats = {
        boot: sorted(
            {_Beat(one.uptime_ms, _heard_at(one, group, settings), one.believed) for one in group},
            key=lambda beat: beat.uptime_ms,
        )
        for boot, group in heard.items()
    }
    return replace(
        facts,
        runs=tuple(_run(run, heard[run.boot], settings) for run in facts.runs),
        journal=tuple(_record(record, beats, settings) for record in facts.journal),
    )


def _run(run: HeartbeatRun, group: Sequence[_Beat], settings: ContractSettings) -> HeartbeatRun:
    first = _Beat(run.first_uptime_ms, run.first_at_us, run.trusted)
    last = _Beat(run.last_uptime_ms, run.last_at_us, run.trusted)
    first_at, last_at = _heard_at(first, group, settings), _heard_at(last, group, settings)
    return replace(run, first_at_us=first_at, last_at_us=last_at)


def _heard_at(beat: _Beat, group: Sequence[_Beat], settings: ContractSettings) -> int:
    if beat.believed:
        return beat.at_us
    earlier = [one for one in group if one.believed and one.uptime_ms <= beat.uptime_ms]
    later = [one for one in group if one.believed and one.uptime_ms > beat.uptime_ms]
    left = max(earlier, key=lambda one: one.uptime_ms, default=None)
    right = min(later, key=lambda one: one.uptime_ms, default=None)
    if left is not None and right is not None:
        share = (right.at_us - left.at_us) * (beat.uptime_ms - left.uptime_ms)
        return min(beat.at_us, left.at_us + share // (right.uptime_ms - left.uptime_ms))
    alone = [
        one
        for one in group
        if not one.believed
        and (left is None or one.uptime_ms > left.uptime_ms)
        and (right is None or one.uptime_ms < right.uptime_ms)
    ]
    at_us = min(_allowed_ns(one, beat) for one in (*alone, beat)) // 1000
    near = left or right
    if (
        near is None
        or abs(beat.uptime_ms - near.uptime_ms) * DRIFT_NS_PER_MS // 1000 > settings.time_agreement_us
    ):
        return at_us
    return min(at_us, near.at_us + (beat.uptime_ms - near.uptime_ms) * 1000)


def _allowed_ns(one: _Beat, beat: _Beat) -> int:
    away_ms = beat.uptime_ms - one.uptime_ms
    return one.at_us * 1000 + away_ms * 1_000_000 + abs(away_ms) * DRIFT_NS_PER_MS


def _record(record: JournalFact, beats: dict[int, list[_Beat]], settings: ContractSettings) -> JournalFact:
    previous = record.previous
    if previous is not None and previous.boot in beats:
        at_us = _claimed(previous, beats[previous.boot], settings)
        record = msgspec.structs.replace(record, previous=msgspec.structs.replace(previous, at_us=at_us))
    if record.boot not in beats:
        return record
    return msgspec.structs.replace(record, at_us=_claimed(record, beats[record.boot], settings))


def _claimed(stamp: JournalFact | PreviousBoot, beats: Sequence[_Beat], settings: ContractSettings) -> int:
    """Return when something happened that a gateway dates itself."""
    left = next((one for one in reversed(beats) if one.uptime_ms <= stamp.uptime_ms), None)
    right = next((one for one in beats if one.uptime_ms > stamp.uptime_ms), None)
    near = [one for one in (left, right) if one is not None]
    away_ms = min(abs(one.uptime_ms - stamp.uptime_ms) for one in near)
    if left is not None and right is not None:
        share = (right.at_us - left.at_us) * (stamp.uptime_ms - left.uptime_ms)
        at_us = left.at_us + share // (right.uptime_ms - left.uptime_ms)
    else:
        at_us = near[0].at_us + (stamp.uptime_ms - near[0].uptime_ms) * 1000
    limit_us = settings.time_agreement_us + away_ms * DRIFT_NS_PER_MS // 1000
    believed = stamp.time_quality in OWN_CLOCK and any(one.believed for one in near)
    return stamp.at_us if believed and abs(stamp.at_us - at_us) <= limit_us else at_us


def together(alive: Sequence[tuple[int, int]], least_us: int) -> list[tuple[int, int]]:
    """Return the stretches, longer than the least, in which two boxes or more were alive."""
    cuts = sorted({at for pair in alive for at in pair})
    found: list[tuple[int, int]] = []
    for from_us, to_us in pairwise(cuts):
        if sum(first <= from_us < last for first, last in alive) < 2:
            continue
        joins = bool(found) and found[-1][1] == from_us
        found[-1:] = [(found[-1][0], to_us)] if joins else [*found[-1:], (from_us, to_us)]
    return [(start, end) for start, end in found if end - start > least_us]
