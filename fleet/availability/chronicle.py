"""What one life proves: pieces of time with the state of radio, LNS and spool (AVAILABILITY §1, §2).

Two points of proof next to each other are *linked* when nothing can have changed between them unseen:

    heartbeat -> heartbeat   equal journal_seq, Δuptime = Δseq × interval ± tolerance, or one run
    anything  -> record      the record is the next one
    record    -> heartbeat   equal journal_seq
    anything  -> last alive  equal journal_seq

Between linked points the state is what the earlier one left; between others nothing is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from agent.wire.messages import Change, Radio
from fleet.availability.facts import JournalFact
from fleet.availability.points import Life, Point
from fleet.availability.settings import ContractSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Radio, LNS and spool at an instant; None: not known."""

    radio: Radio | None = None
    lns_up: bool | None = None
    accepting: bool | None = None
    radio_reason: str = ""
    lns_reason: str = ""


AT_BOOT = Condition(radio=Radio.OFF, lns_up=False, accepting=True)
"""A boot begins with the radio off and no LNS; the spool opens before either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of one life over which the condition is proved."""

    start_us: int
    end_us: int
    condition: Condition
    heard: bool
    """Live heartbeats came in without a gap: our own path to the gateway worked."""
    journal_seq: int


@dataclass(frozen=True, slots=True)
class _BackDated:
    since_us: int
    until_us: int
    change: Change
    record: JournalFact


@dataclass(frozen=True, slots=True, kw_only=True)
class Chronicle:
    """The pieces of a life, in order, and the condition that its last point left."""

    pieces: tuple[Piece, ...]
    last: Condition
    last_us: int
    last_seq: int
    stopped: bool
    """The last word was an orderly stop."""


def chronicle(life: Life, settings: ContractSettings) -> Chronicle:
    """Return what a life proves; ``life.points`` may end with the last time alive."""
    points = life.points
    names = _contractual_names(points)
    condition = _after(points[0], Condition(), names[0])
    pieces: list[Piece] = []
    back_dated: list[_BackDated] = []
    if _boot(points[0]):
        pieces.append(_piece(life.start_us, points[0].at_us, AT_BOOT, heard=False, journal_seq=0))
    _note(points[0], names[0], back_dated)
    covered = points[0].covered_to_seq
    for index, (point, after) in enumerate(pairwise(points), start=1):
        covered = max(covered, point.covered_to_seq)
        linked = _linked(point, after, covered, settings)
        if linked:
            held = _filled(condition, after)
            heard = point.beat is not None and after.beat is not None and _unbroken(point, after, covered)
            pieces.append(_piece(point.at_us, after.at_us, held, heard=heard, journal_seq=point.journal_seq))
        condition = _after(after, condition if linked else Condition(), names[index])
        _note(after, names[index], back_dated)
    return Chronicle(
        pieces=tuple(_with(back_dated, [piece for piece in pieces if piece.start_us < piece.end_us])),
        last=condition,
        last_us=points[-1].at_us,
        last_seq=points[-1].journal_seq,
        stopped=any(_stop(point) for point in points[-2:]),
    )


def _piece(start_us: int, end_us: int, condition: Condition, *, heard: bool, journal_seq: int) -> Piece:
    return Piece(start_us=start_us, end_us=end_us, condition=condition, heard=heard, journal_seq=journal_seq)


def _linked(point: Point, after: Point, covered: int, settings: ContractSettings) -> bool:
    if after.record is not None:
        return after.journal_seq == point.journal_seq + 1
    if point.journal_seq != after.journal_seq:
        return False
    if point.beat is None or after.beat is None:
        return True
    if _unbroken(point, after, covered) and covered >= after.seq:
        return True
    due_ms = (after.seq - point.seq) * after.beat.interval_ms
    waited_ms = after.uptime_ms - point.uptime_ms
    return (
        after.seq > point.seq
        and point.beat.interval_ms == after.beat.interval_ms
        and abs(waited_ms - due_ms) <= settings.bridging_tolerance_ms
    )


def _unbroken(point: Point, after: Point, covered: int) -> bool:
    """Return whether every heartbeat between the two was received."""
    return after.seq == point.seq + 1 or (point.seq < after.seq <= covered)


def _after(point: Point, condition: Condition, contractual: str) -> Condition:
    if point.beat is not None:
        beat = point.beat
        same_radio, same_lns = condition.radio == beat.radio, condition.lns_up == beat.lns_up
        return Condition(
            radio=beat.radio,
            lns_up=beat.lns_up,
            accepting=beat.spool_accepting,
            radio_reason=condition.radio_reason if same_radio else "",
            lns_reason=condition.lns_reason if same_lns else "",
        )
    if point.record is not None:
        return _changed(condition, point.record, contractual)
    return condition


def _changed(condition: Condition, record: JournalFact, contractual: str) -> Condition:
    """Return the condition after one record; a record of something else changes nothing."""
    match record.change:
        case Change.BOOT:
            return replace(AT_BOOT, radio_reason=record.reason, lns_reason=record.reason)
        case Change.STOP:
            return replace(condition, radio=Radio.OFF, radio_reason=record.reason)
        case Change.RADIO:
            radio = Radio.__members__.get(record.value)
            return replace(condition, radio=radio, radio_reason=record.reason)
        case Change.CONNECTOR if record.subject == contractual:
            return replace(condition, lns_up=record.value == "UP", lns_reason=record.reason)
        case Change.SPOOL:
            return replace(condition, accepting=record.value == "ACCEPTING")
        case _:
            return condition


def _filled(condition: Condition, after: Point) -> Condition:
    """Fill what is not known from a heartbeat with equal journal_seq: it held since the record before."""
    beat = after.beat
    if beat is None or None not in (condition.radio, condition.lns_up, condition.accepting):
        return condition
    return replace(
        condition,
        radio=beat.radio if condition.radio is None else condition.radio,
        lns_up=beat.lns_up if condition.lns_up is None else condition.lns_up,
        accepting=beat.spool_accepting if condition.accepting is None else condition.accepting,
    )


def _contractual_names(points: Sequence[Point]) -> list[str]:
    """Return, for each point, the contractual connector by the heartbeat before it, else the first after."""
    name = next((point.beat.contractual for point in points if point.beat is not None), "")
    names = []
    for point in points:
        if point.beat is not None:
            name = point.beat.contractual
        names.append(name)
    return names


def _note(point: Point, contractual: str, back_dated: list[_BackDated]) -> None:
    """Remember a change for the worse that began before its record; a better state never began earlier."""
    record = point.record
    if record is None or record.since_ms is None or record.since_ms >= record.uptime_ms:
        return
    deaf = record.change is Change.RADIO and record.value != Radio.RECEIVING.name
    cut = record.change is Change.CONNECTOR and record.subject == contractual and record.value != "UP"
    if deaf or cut:
        since_us = point.at_us - (record.uptime_ms - record.since_ms) * 1000
        back_dated.append(_BackDated(since_us, point.at_us, record.change, record))


def _with(back_dated: Sequence[_BackDated], pieces: list[Piece]) -> list[Piece]:
    """Return the pieces with every state begun when it really began."""
    for change in back_dated:
        pieces = [part for piece in pieces for part in _split(piece, change)]
    return pieces


def _split(piece: Piece, change: _BackDated) -> list[Piece]:
    start_us, end_us = max(piece.start_us, change.since_us), min(piece.end_us, change.until_us)
    if start_us >= end_us:
        return [piece]
    condition = _worse(piece.condition, change)
    if condition == piece.condition:
        return [piece]
    parts = [
        Piece(
            start_us=start_us,
            end_us=end_us,
            condition=condition,
            heard=False,
            journal_seq=change.record.journal_seq,
        )
    ]
    if piece.start_us < start_us:
        parts.insert(0, replace(piece, end_us=start_us))
    if end_us < piece.end_us:
        parts.append(replace(piece, start_us=end_us))
    return parts


def _worse(condition: Condition, change: _BackDated) -> Condition:
    record = change.record
    if change.change is Change.RADIO:
        if condition.radio is not Radio.RECEIVING:
            return condition
        return replace(condition, radio=Radio.__members__.get(record.value), radio_reason=record.reason)
    if condition.lns_up is False:
        return condition
    return replace(condition, lns_up=False, lns_reason=record.reason)


def _boot(point: Point) -> bool:
    return point.record is not None and point.record.change is Change.BOOT


def _stop(point: Point) -> bool:
    return point.record is not None and point.record.change is Change.STOP
