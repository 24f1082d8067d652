"""What one life proves: pieces of time with the state of radio, LNS and spool (AVAILABILITY §1, §2).

Heartbeats, and the last time alive, *close* the gap before them.  A gap proves its states when nothing in it
can be missing: every journal record between the two numbers is there, and between two heartbeats
Δuptime = Δseq × interval ± tolerance, or every heartbeat was received.  Else the whole gap proves nothing.
Records after the last closing prove what they say as far as they follow each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from agent.wire.messages import Change, Radio
from fleet.availability.backdating import Condition, Piece, dated_back, radio_of
from fleet.availability.placing import Point
from fleet.availability.points import Life
from fleet.facts.model import HeartbeatRun, JournalFact
from fleet.facts.settings import ContractSettings

AT_BOOT = Condition(radio=Radio.OFF, lns_up=False, accepting=True)
"""A boot begins with the radio off and no LNS; the spool opens before either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chronicle:
    """The pieces of a life, in order, and the condition that its last point left."""

    pieces: tuple[Piece, ...]
    last: Condition | None
    """None: records are missing before the last point, or it was an orderly stop."""
    last_us: int
    last_seq: int
    stopped: bool
    """The last word was an orderly stop."""


@dataclass(slots=True, eq=False)
class _Reader:
    """Walks the points of one life; ``here`` is the newest point up to which all is known."""

    settings: ContractSettings
    pieces: list[Piece]
    here: Point | None = None
    condition: Condition | None = None
    covered_to_seq: int = -1

    def close(self, records: Sequence[Point], closing: Point) -> None:
        """Take the gap that ends with a heartbeat or the last time alive."""
        beat = closing.beat
        if self.here is not None and self._complete(records, closing):
            self._walk(records, closing, heard=self._unbroken(closing))
        elif beat is None:
            self.condition = None
        if beat is not None:
            self.condition = _condition_of(beat, self.condition)
        self.here = closing
        self.covered_to_seq = max(self.covered_to_seq, closing.covered_to_seq)

    def trail(self, records: Sequence[Point]) -> None:
        """Take the records after the last closing, as far as they follow each other."""
        assert self.here is not None
        known = list(_following(records, self.here.journal_seq))
        if known:
            self._walk(known[:-1], known[-1], heard=False)
            self._take(known[-1])
        if len(known) < len(records):
            self.condition = None

    def _complete(self, records: Sequence[Point], closing: Point) -> bool:
        assert self.here is not None
        if closing.beat is None and closing.journal_seq == 0:
            return False  # the number was not told: what lay between is not proved
        first_seq = self.here.journal_seq + 1
        if len(records) != closing.journal_seq - self.here.journal_seq or any(
            point.journal_seq != number for number, point in enumerate(records, start=first_seq)
        ):
            return False
        before, beat = self.here.beat, closing.beat
        if before is None or beat is None or self._unbroken(closing):
            return True
        due_ms = (closing.seq - self.here.seq) * beat.interval_ms
        waited_ms = closing.uptime_ms - self.here.uptime_ms
        return (
            closing.seq > self.here.seq
            and before.interval_ms == beat.interval_ms
            and abs(waited_ms - due_ms) <= self.settings.bridging_tolerance_ms
        )

    def _unbroken(self, closing: Point) -> bool:
        """Return whether every heartbeat up to this one was received."""
        if self.here is None or self.here.beat is None or closing.beat is None:
            return False
        return closing.seq == self.here.seq + 1 or self.here.seq < closing.seq <= self.covered_to_seq

    def _walk(self, records: Sequence[Point], end: Point, *, heard: bool) -> None:
        for point in [*records, end]:
            assert self.here is not None
            if self.condition is not None and self.here.at_us < point.at_us:
                self.pieces.append(
                    Piece(
                        start_us=self.here.at_us,
                        end_us=point.at_us,
                        condition=self.condition,
                        heard=heard,
                        journal_seq=self.here.journal_seq,
                    )
                )
            if point is not end:
                self._take(point)

    def _take(self, point: Point) -> None:
        """Take one record that follows: the condition after it, and since when."""
        assert point.record is not None
        if self.condition is not None:
            self.condition = _changed(self.condition, point.record, point.contractual)
        self.here = point


def chronicle(life: Life, settings: ContractSettings) -> Chronicle:
    """Return what a life proves; ``life.points`` may end with the last time alive."""
    reader = _Reader(settings, [])
    records: list[Point] = []
    for point in life.points:
        if point.record is None:
            reader.close(records, point)
            records = []
        elif reader.here is None and not records and point.record.change is Change.BOOT:
            _start(reader, life, point)
        else:
            records.append(point)
    reader.trail(records)
    last = life.points[-1]
    stopped = any(_stop(point) for point in life.points[-2:])
    return Chronicle(
        pieces=tuple(dated_back(reader.pieces, life.points)),
        last=None if stopped else reader.condition,
        last_us=last.at_us,
        last_seq=last.journal_seq,
        stopped=stopped,
    )


def _start(reader: _Reader, life: Life, boot: Point) -> None:
    """Begin with the BOOT record: from uptime 0 on the radio is off."""
    assert boot.record is not None
    reader.condition = AT_BOOT
    reader.here = replace(boot, at_us=life.start_us, journal_seq=boot.journal_seq - 1, record=None)
    reader.trail([boot])


def _following(records: Sequence[Point], journal_seq: int) -> list[Point]:
    known: list[Point] = []
    for point in records:
        if point.journal_seq != journal_seq + 1:
            break
        known.append(point)
        journal_seq += 1
    return known


def _condition_of(beat: HeartbeatRun, before: Condition | None) -> Condition:
    """Return what a heartbeat says; a reason that a record gave stands while the state does."""
    same_radio = before is not None and before.radio is beat.radio
    same_lns = before is not None and before.lns_up == beat.lns_up
    return Condition(
        radio=beat.radio,
        lns_up=beat.lns_up,
        accepting=beat.spool_accepting,
        radio_reason=before.radio_reason if before is not None and same_radio else "",
        lns_reason=before.lns_reason if before is not None and same_lns else "",
    )


def _changed(condition: Condition, record: JournalFact, contractual: str) -> Condition:
    """Return the condition after one record; a record of something else changes nothing."""
    match record.change:
        case Change.BOOT:
            return replace(AT_BOOT, radio_reason=record.reason, lns_reason=record.reason)
        case Change.STOP:
            return replace(condition, radio=Radio.OFF, radio_reason=record.reason)
        case Change.RADIO:
            radio, up, accepting = radio_of(record), condition.lns_up, condition.accepting
            return Condition(radio, up, accepting, record.reason, condition.lns_reason)
        case Change.CONNECTOR if record.subject == contractual:
            up, accepting = record.value == "UP", condition.accepting
            return Condition(condition.radio, up, accepting, condition.radio_reason, record.reason)
        case Change.SPOOL:
            return replace(condition, accepting=record.value == "ACCEPTING")
        case _:
            return condition


def _stop(point: Point) -> bool:
    return point.record is not None and point.record.change is Change.STOP
