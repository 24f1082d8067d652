"""Losses that were noticed later than they began, dated back over the pieces of a life (AVAILABILITY §2).

A change for the worse counts whatever else is missing: the record itself proves it.  A better state never
began earlier.  Where several losses of one kind cover an instant, the one with the lowest number stands.
"""

from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import pairwise

import msgspec
from msgspec.structs import replace

from agent.wire.messages import Change, Radio
from fleet.availability.placing import Point
from fleet.facts.model import JournalFact


class Condition(msgspec.Struct, frozen=True, gc=False):
    """Radio, LNS and spool at an instant."""

    radio: Radio
    lns_up: bool
    accepting: bool
    radio_reason: str = ""
    lns_reason: str = ""


class Piece(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A stretch of one life over which the condition is proved."""

    start_us: int
    end_us: int
    condition: Condition
    heard: bool
    """Live heartbeats came in without a gap: our own path to the gateway worked."""
    journal_seq: int


class _Loss(msgspec.Struct, frozen=True, gc=False):
    """A change for the worse over [since, until), and its rank among the records of its life."""

    rank: int
    since_us: int
    until_us: int
    record: JournalFact


def dated_back(pieces: Sequence[Piece], points: Sequence[Point]) -> list[Piece]:
    """Return the pieces with every state begun when it really began."""
    losses = [loss for rank, point in enumerate(points) if (loss := _loss(rank, point)) is not None]
    if not losses:
        return list(pieces)
    deaf = _Covers(loss for loss in losses if loss.record.change is Change.RADIO)
    cut = _Covers(loss for loss in losses if loss.record.change is not Change.RADIO)
    return [part for piece in pieces for part in _dated(piece, deaf, cut)]


def radio_of(record: JournalFact) -> Radio:
    """Return the radio's state; a value that is none of ours proves no reception."""
    return Radio.__members__.get(record.value, Radio.OFF)


def _loss(rank: int, point: Point) -> _Loss | None:
    record = point.record
    if record is None or record.since_ms is None or record.since_ms >= record.uptime_ms:
        return None
    deaf = record.change is Change.RADIO and record.value != Radio.RECEIVING.name
    cut = record.change is Change.CONNECTOR and record.subject == point.contractual and record.value != "UP"
    if not deaf and not cut:
        return None
    since_us = point.at_us - (record.uptime_ms - record.since_ms) * 1000
    return _Loss(rank, since_us, point.at_us, record)


class _Covers:
    """Losses of one kind as disjoint stretches in order, to be asked for pieces in order."""

    def __init__(self, losses: Iterable[_Loss]) -> None:
        self._stretches = _lowest(list(losses))
        self._at = 0

    def within(self, piece: Piece) -> Iterator[_Loss]:
        """Yield what covers parts of the piece; the next piece must not begin earlier."""
        found = self._stretches
        while self._at < len(found) and found[self._at].until_us <= piece.start_us:
            self._at += 1
        index = self._at
        while index < len(found) and found[index].since_us < piece.end_us:
            yield found[index]
            index += 1


def _lowest(losses: Sequence[_Loss]) -> list[_Loss]:
    """Return disjoint stretches, each with the loss of the lowest rank that covers it."""
    starts = sorted(losses, key=lambda loss: loss.since_us)
    edges = sorted({edge for loss in losses for edge in (loss.since_us, loss.until_us)})
    open_: list[tuple[int, int, _Loss]] = []
    found: list[_Loss] = []
    index = 0
    for at_us, next_us in pairwise(edges):
        while index < len(starts) and starts[index].since_us <= at_us:
            heappush(open_, (starts[index].rank, index, starts[index]))
            index += 1
        while open_ and open_[0][2].until_us <= at_us:
            heappop(open_)
        if not open_:
            continue
        loss = open_[0][2]
        if found and found[-1].rank == loss.rank and found[-1].until_us == at_us:
            found[-1] = replace(found[-1], until_us=next_us)
        else:
            found.append(replace(loss, since_us=at_us, until_us=next_us))
    return found


def _dated(piece: Piece, deaf: _Covers, cut: _Covers) -> Iterator[Piece]:
    """Yield a piece, cut where a loss makes its condition worse."""
    for part, first in _split(piece, deaf) if piece.condition.radio is Radio.RECEIVING else [(piece, None)]:
        for half, second in _split(part, cut) if part.condition.lns_up else [(part, None)]:
            if first is None and second is None:
                yield half
                continue
            losses = sorted((loss for loss in (first, second) if loss), key=lambda loss: loss.rank)
            yield _worse(half, losses)


def _split(piece: Piece, covers: _Covers) -> Iterator[tuple[Piece, _Loss | None]]:
    at_us = piece.start_us
    for loss in covers.within(piece):
        start_us, end_us = max(loss.since_us, piece.start_us), min(loss.until_us, piece.end_us)
        if at_us < start_us:
            yield replace(piece, start_us=at_us, end_us=start_us), None
        whole = start_us == piece.start_us and end_us == piece.end_us
        yield piece if whole else replace(piece, start_us=start_us, end_us=end_us), loss
        at_us = end_us
    if at_us < piece.end_us:
        yield piece if at_us == piece.start_us else replace(piece, start_us=at_us), None


def _worse(part: Piece, losses: Sequence[_Loss]) -> Piece:
    for loss in losses:
        record, condition = loss.record, part.condition
        condition = (
            replace(condition, radio=radio_of(record), radio_reason=record.reason)
            if record.change is Change.RADIO
            else replace(condition, lns_up=False, lns_reason=record.reason)
        )
        part = replace(part, condition=condition, heard=False, journal_seq=record.journal_seq)
    return part
