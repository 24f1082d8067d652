"""A boot that lives for months, without what can no longer reach the window; pure.

A boot is cut at its *anchor*: the newest run of two heartbeats or more that said « serving » and began
``MARGIN_US`` or more before the window.  A serving run ends every outage, every reason and everything that a
start needed, and its heartbeats place all that follows, so what came before it in the same boot decides
nothing after it.  Kept are the first run (it places the start), BOOT records, what the test device proved
last before the anchor, and all from the anchor on.
A boot whose facts are not in plain order around a run (clocks that wander, two boxes, overlaps) has no anchor
there and keeps more; at worst it stays whole.

So a month holds, of each boot, two runs and one record more than what happened since an hour before it.
Sources: AVAILABILITY §1 (bridging, placing), §2 (causes); ``points``, ``chronicle`` and ``history`` for what
looks back, and how far.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TypeVar

from agent.wire.messages import Change, PreviousBoot, Radio
from fleet.availability.points import LIFE_SPLIT_US
from fleet.availability.proofs import is_end_to_end
from fleet.durations import HOUR_US
from fleet.facts.model import GatewayFacts, HeartbeatRun, JournalFact
from fleet.facts.runs import SELF_TRUSTED

MARGIN_US = HOUR_US
"""Late records of what is cut off may still move the anchor by the error of their clocks: 2 s and 100 ppm of
the gap that they fall in, so an hour covers gaps of a year (``placing.DRIFT_PPM``)."""

Item = TypeVar("Item", HeartbeatRun, JournalFact)


def compacted(facts: GatewayFacts, from_us: int) -> GatewayFacts:
    """Return the facts without what happened in each boot before its anchor; from ``from_us`` on the same."""
    runs = _by_boot(facts.runs)
    journal = _by_boot(facts.journal)
    claims: dict[int, list[PreviousBoot]] = {}
    for fact in facts.journal:
        if fact.previous is not None:
            claims.setdefault(fact.previous.boot, []).append(fact.previous)
    anchors = {
        boot: _anchor(_Boot(mine, journal.get(boot, []), claims.get(boot, [])), from_us)
        for boot, mine in runs.items()
    }
    return replace(
        facts,
        runs=tuple(run for boot, mine in runs.items() for run in _runs_kept(mine, anchors[boot])),
        journal=tuple(
            fact for boot, mine in journal.items() for fact in _records_kept(mine, anchors.get(boot))
        ),
    )


def _by_boot(items: Iterable[Item]) -> dict[int, list[Item]]:
    found: dict[int, list[Item]] = {}
    for item in items:
        found.setdefault(item.boot, []).append(item)
    return found


def _runs_kept(runs: Sequence[HeartbeatRun], anchor: HeartbeatRun | None) -> Sequence[HeartbeatRun]:
    if anchor is None:
        return runs
    first_seq = min(run.first_seq for run in runs)
    return [run for run in runs if run.first_seq == first_seq or run.first_seq >= anchor.first_seq]


def _records_kept(records: Sequence[JournalFact], anchor: HeartbeatRun | None) -> Sequence[JournalFact]:
    if anchor is None:
        return records
    newest = max((fact.journal_seq for fact in records if _told_before(fact, anchor)), default=None)
    return [
        fact
        for fact in records
        if fact.change is Change.BOOT or fact.journal_seq > anchor.journal_seq or fact.journal_seq == newest
    ]


def _told_before(fact: JournalFact, anchor: HeartbeatRun) -> bool:
    return is_end_to_end(fact) and fact.journal_seq <= anchor.journal_seq


@dataclass(frozen=True, slots=True)
class _Boot:
    """What was said of one boot."""

    runs: Sequence[HeartbeatRun]
    records: Sequence[JournalFact]
    claims: Sequence[PreviousBoot]
    """By the boots after it: how long it was alive."""

    def in_order(self, run: HeartbeatRun) -> bool:
        """Return whether all lies on the side of the run that its number says."""
        return all(_in_order(fact, run) for fact in self.records) and all(
            one.uptime_ms <= run.first_uptime_ms or one.journal_seq == 0 or one.journal_seq >= run.journal_seq
            for one in self.claims
        )


def _anchor(boot: _Boot, from_us: int) -> HeartbeatRun | None:
    """Return the run at which a boot may be cut; None keeps it whole."""
    ordered = sorted(boot.runs, key=lambda run: (run.first_uptime_ms, run.first_seq))
    if len(ordered) < 2 or not _one_box(ordered) or _starts_late(ordered[0], boot.records):
        return None
    before = list(accumulate(map(_reach, ordered), _Reach.farther))
    after = list(accumulate(map(_begin, reversed(ordered)), _earlier))[::-1]
    if not before[0].ends_before(after[1]):
        return None
    for index in range(len(ordered) - 1, 0, -1):
        run = ordered[index]
        if (
            run.first_at_us > from_us - MARGIN_US
            or not _serves(run)
            or not before[index - 1].stays_before(run)
        ):
            continue
        last = index + 1 == len(ordered) or _reach(run).ends_before(after[index + 1])
        if last and boot.in_order(run):
            return run
    return None


@dataclass(frozen=True, slots=True)
class _Reach:
    """How far some runs reach at most."""

    uptime_ms: int
    seq: int
    journal_seq: int
    at_us: int

    def farther(self, other: "_Reach") -> "_Reach":
        return _Reach(*map(max, _values(self), _values(other)))

    def ends_before(self, begin: "_Reach") -> bool:
        """Return whether what begins at ``begin`` lies wholly behind."""
        return (
            self.uptime_ms < begin.uptime_ms
            and self.seq < begin.seq
            and self.journal_seq <= begin.journal_seq
        )

    def stays_before(self, run: HeartbeatRun) -> bool:
        return self.ends_before(_begin(run)) and self.at_us <= run.first_at_us


def _values(reach: _Reach) -> tuple[int, int, int, int]:
    return (reach.uptime_ms, reach.seq, reach.journal_seq, reach.at_us)


def _reach(run: HeartbeatRun) -> _Reach:
    return _Reach(run.last_uptime_ms, run.last_seq, run.journal_seq, max(run.first_at_us, run.last_at_us))


def _begin(run: HeartbeatRun) -> _Reach:
    return _Reach(run.first_uptime_ms, run.first_seq, run.journal_seq, run.first_at_us)


def _earlier(one: _Reach, other: _Reach) -> _Reach:
    return _Reach(*map(min, _values(one), _values(other)))


def _one_box(runs: Sequence[HeartbeatRun]) -> bool:
    """Return whether every heartbeat puts the boot's start at one instant, whichever of them are left out."""
    starts_us = [
        start
        for run in runs
        for start in (
            run.first_at_us - run.first_uptime_ms * 1000,
            run.last_at_us - run.last_uptime_ms * 1000,
        )
    ]
    return max(starts_us) - min(starts_us) <= LIFE_SPLIT_US


def _starts_late(first: HeartbeatRun, records: Sequence[JournalFact]) -> bool:
    """Return whether a BOOT record lies behind the first heartbeat, so that others may place it."""
    return any(fact.change is Change.BOOT and fact.uptime_ms > first.first_uptime_ms for fact in records)


def _serves(run: HeartbeatRun) -> bool:
    return run.last_seq > run.first_seq and run.lns_up and run.radio is Radio.RECEIVING and run.trusted


def _in_order(fact: JournalFact, run: HeartbeatRun) -> bool:
    """Return whether a record lies on the side of the run that its number says."""
    if fact.journal_seq > run.journal_seq:
        return fact.uptime_ms >= run.first_uptime_ms
    believed = fact.time_quality in SELF_TRUSTED
    return fact.uptime_ms <= run.first_uptime_ms and not (believed and fact.at_us > run.first_at_us)
