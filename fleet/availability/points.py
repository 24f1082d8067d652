"""Points of proof: each end of a run and each journal record, placed in valid time (AVAILABILITY §1).

A *life* is what one box said in one boot.  Its heartbeats anchor its uptime to valid time; a record whose own
clock cannot be believed is placed between them by its uptime.  One boot number with two starts is two lives,
so a copied disk shows as two boxes.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from agent.wire.messages import Change, PreviousBoot
from fleet.availability.placing import Point, Stamp, placed_by_uptime, valid_time
from fleet.durations import MINUTE_US
from fleet.facts.model import HeartbeatRun, JournalFact
from fleet.facts.settings import ContractSettings

LIFE_SPLIT_US = 5 * MINUTE_US
"""Starts of one boot that are further apart are two boxes.  Undisciplined clocks drift at most
``placing.DRIFT_PPM``, and neighbours in uptime differ by far less."""


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """One boot of one box: its points in order of proof (``_order``)."""

    boot: int
    start_us: int
    """Valid time of uptime 0."""
    points: tuple[Point, ...]
    anchors: tuple[Point, ...]
    """The heartbeats among them."""

    @property
    def last_us(self) -> int:
        """The last proof of life."""
        return self.points[-1].at_us


def lives(
    runs: Sequence[HeartbeatRun], journal: Sequence[JournalFact], settings: ContractSettings
) -> tuple[Life, ...]:
    """Return every life that can be placed, in order of start; a boot that was never heard live cannot."""
    beats_by_boot: dict[int, list[Point]] = {}
    for run in runs:
        beats_by_boot.setdefault(run.boot, []).extend(_ends(run))
    records_by_boot: dict[int, list[JournalFact]] = {}
    for record in _once(journal):
        records_by_boot.setdefault(record.boot, []).append(record)
    found: list[Life] = []
    for boot, beats in beats_by_boot.items():
        boxes = _boxes(_heard_once(beats))
        shares = _share(records_by_boot.get(boot, []), boxes)
        for anchors, records in zip(boxes, shares, strict=True):
            found.append(_life(boot, anchors, records, settings))
    return tuple(sorted(found, key=lambda life: (life.start_us, life.boot)))


def stamp_of(record: JournalFact) -> Stamp:
    """Return the instant that a record claims for itself."""
    return Stamp(uptime_ms=record.uptime_ms, at_us=record.at_us, quality=record.time_quality)


def with_last_alive(life: Life, previous: PreviousBoot, settings: ContractSettings) -> Life:
    """Return the life with the last time alive that its successor found on disk, if heard no longer."""
    if previous.uptime_ms <= life.anchors[-1].uptime_ms:
        return life
    stamp = Stamp(uptime_ms=previous.uptime_ms, at_us=previous.at_us, quality=previous.time_quality)
    at_us = valid_time(stamp, life.anchors, settings)
    if previous.journal_seq == 0:
        if at_us <= life.last_us:
            return life
        points = [*life.points, Point(at_us=at_us, uptime_ms=previous.uptime_ms, journal_seq=0)]
        return replace(life, points=tuple(points))
    alive = Point(at_us=at_us, uptime_ms=previous.uptime_ms, journal_seq=previous.journal_seq)
    return replace(life, points=tuple(_forward(sorted([*life.points, alive], key=_order))))


def _ends(run: HeartbeatRun) -> list[Point]:
    first = Point(
        at_us=run.first_at_us,
        uptime_ms=run.first_uptime_ms,
        journal_seq=run.journal_seq,
        beat=run,
        seq=run.first_seq,
        covered_to_seq=run.last_seq,
    )
    if run.last_seq == run.first_seq:
        return [first]
    last = Point(
        at_us=run.last_at_us,
        uptime_ms=run.last_uptime_ms,
        journal_seq=run.journal_seq,
        beat=run,
        seq=run.last_seq,
        covered_to_seq=run.last_seq,
    )
    return [first, last]


def _heard_once(beats: Iterable[Point]) -> list[Point]:
    """Return each heartbeat once, in order of uptime: of two receptions of one, the earlier."""
    kept: dict[tuple[int, int], Point] = {}
    for point in beats:
        key = (point.seq, point.uptime_ms)
        other = kept.get(key)
        if other is None or _before(point, other):
            kept[key] = point
    return sorted(kept.values(), key=lambda point: (point.uptime_ms, point.seq))


def _before(point: Point, other: Point) -> bool:
    """Order equal heartbeats: the longer run tells more, then a believed clock, the earlier reception, …"""

    def rank(one: Point) -> tuple[object, ...]:
        beat = one.beat
        assert beat is not None
        says = (beat.journal_seq, beat.radio, beat.lns_up, beat.spool_accepting, beat.contractual)
        return (-one.covered_to_seq, not beat.trusted, one.at_us, beat.first_seq, says, beat.interval_ms)

    return rank(point) < rank(other)


def _once(journal: Sequence[JournalFact]) -> list[JournalFact]:
    """Return each record once, whatever the time at which we learnt it."""
    return list({_content(fact): fact for fact in journal}.values())


def _content(fact: JournalFact) -> tuple[object, ...]:
    return (
        fact.boot,
        fact.journal_seq,
        fact.uptime_ms,
        fact.at_us,
        fact.time_quality,
        fact.change,
        fact.subject,
        fact.value,
        fact.reason,
        -1 if fact.since_ms is None else fact.since_ms,
        () if fact.previous is None else msgspec.structs.astuple(fact.previous),
    )


def _boxes(beats: Sequence[Point]) -> list[list[Point]]:
    """Split the heartbeats of one boot by the instant at which their uptime was 0."""
    by_start = sorted(beats, key=lambda point: point.at_us - point.uptime_ms * 1000)
    boxes: list[list[Point]] = []
    newest_us = 0
    for point in by_start:
        start_us = point.at_us - point.uptime_ms * 1000
        if not boxes or start_us - newest_us > LIFE_SPLIT_US:
            boxes.append([])
        boxes[-1].append(point)
        newest_us = start_us
    for box in boxes:
        box.sort(key=lambda point: (point.uptime_ms, point.seq))
    return boxes


def _share(records: Sequence[JournalFact], boxes: Sequence[Sequence[Point]]) -> list[list[JournalFact]]:
    """Give each record to the box whose start is nearest to its own claim; one box gets all."""
    shares: list[list[JournalFact]] = [[] for _ in boxes]
    starts = [box[0].at_us - box[0].uptime_ms * 1000 for box in boxes]
    for record in records:
        claim_us = record.at_us - record.uptime_ms * 1000
        after = bisect_right(starts, claim_us)
        near = range(max(0, after - 1), min(len(starts), after + 1))
        nearest = min(near, key=lambda index: (abs(starts[index] - claim_us), index))
        shares[nearest].append(record)
    return shares


def _life(
    boot: int, beats: Sequence[Point], records: Sequence[JournalFact], settings: ContractSettings
) -> Life:
    anchors = _forward(placed_by_uptime(beats, settings))
    placed = [
        Point(
            at_us=valid_time(stamp_of(record), anchors, settings),
            uptime_ms=record.uptime_ms,
            journal_seq=record.journal_seq,
            record=record,
        )
        for record in records
    ]
    points = sorted(
        [*anchors, *placed],
        key=_order,
    )
    boot_record = next((point for point in placed if _is_boot(point)), None)
    origin = boot_record or anchors[0]
    return Life(
        boot=boot,
        start_us=origin.at_us - origin.uptime_ms * 1000,
        points=tuple(_named(_forward(points))),
        anchors=tuple(anchors),
    )


def _order(point: Point) -> tuple[object, ...]:
    """By journal number first: a heartbeat built while a record was being written comes before it."""
    content = () if point.record is None else _content(point.record)
    return (point.journal_seq, point.record is None, point.uptime_ms, point.seq, content)


def _is_boot(point: Point) -> bool:
    return point.record is not None and point.record.change is Change.BOOT


def _named(points: Sequence[Point]) -> list[Point]:
    name = next((point.beat.contractual for point in points if point.beat is not None), "")
    named = []
    for point in points:
        if point.beat is not None:
            name = point.beat.contractual
        named.append(point if point.record is None else replace(point, contractual=name))
    return named


def _forward(points: Iterable[Point]) -> list[Point]:
    """Return the points with valid times that never run backwards."""
    forward: list[Point] = []
    for point in points:
        if forward and point.at_us < forward[-1].at_us:
            forward.append(replace(point, at_us=forward[-1].at_us))
        else:
            forward.append(point)
    return forward
