"""The definitions of the contract read a second time, independently: one instant after another.

It shares nothing with ``fleet.availability`` but the facts and the words.  For an instant it asks each line
of AVAILABILITY §2 in order, straight from runs and records; no interval arithmetic, no sweep, no painting.
Heartbeats and records of clocks that are not believed get their time in ``second_placing``, also read anew.
Slow on purpose; tests and the benchmark compare the product with it and demand 0 µs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from agent.wire.messages import END_TO_END, Change, PreviousBoot, Radio
from fleet.facts.model import (
    Blindness,
    Commissioning,
    CommissioningKind,
    GatewayFacts,
    HeartbeatRun,
    JournalFact,
)
from fleet.facts.settings import ContractSettings, LnsProof
from fleet.facts.states import CommuneState, GatewayState
from fleet.simulation.second_placing import placed, together

S = GatewayState
NEVER_US = 1 << 62


@dataclass(slots=True, eq=False)
class _Boot:
    """All that was said in one boot."""

    number: int
    runs: list[HeartbeatRun] = field(default_factory=list)
    records: dict[int, JournalFact] = field(default_factory=dict)
    start_us: int = 0
    last_alive: PreviousBoot | None = None
    after: "_Boot | None" = None

    @property
    def proofs(self) -> tuple[int, int]:
        """First and last instant at which it was alive."""
        ats = [at for run in self.runs for at in (run.first_at_us, run.last_at_us)]
        ats += [record.at_us for record in self.records.values()]
        ats += [self.last_alive.at_us] if self.last_alive is not None else []
        return min(ats), max(ats)

    @property
    def stopped(self) -> bool:
        """The newest word is an orderly stop."""
        newest = max(self.records, default=0)
        said = max(run.journal_seq for run in self.runs)
        return newest >= said and newest > 0 and self.records[newest].change is Change.STOP


class Reading:
    """One gateway's facts, to be asked for any instant up to ``now_us``."""

    def __init__(
        self, facts: GatewayFacts, blindness: Iterable[Blindness], settings: ContractSettings, now_us: int
    ) -> None:
        self._facts, self._settings, self._now_us = facts, settings, now_us
        self._blind = [
            (one.start_us, NEVER_US if one.end_us is None else one.end_us + settings.blindness_tail_us)
            for one in blindness
            if not one.euis or facts.eui in one.euis
        ]
        self._boots = _boots(placed(facts, settings))
        self._two_boxes = together([boot.proofs for boot in self._boots], settings.two_boxes_overlap_us)

    def partition(self, start_us: int, end_us: int) -> list[tuple[int, int, tuple[S, bool]]]:
        """Return (start, end, (state, proved)) over the window, neighbours that say the same joined."""
        end_us = min(end_us, self._now_us)
        cuts = sorted({start_us, end_us} | {at for at in self._edges() if start_us < at < end_us})
        told: list[tuple[int, int, tuple[S, bool]]] = []
        for from_us, to_us in pairwise(cuts):
            here = self.state(from_us)
            if told and told[-1][2] == here:
                told[-1] = (told[-1][0], to_us, here)
            else:
                told.append((from_us, to_us, here))
        return told

    def state(self, at_us: int) -> tuple[S, bool]:
        """Return (state, proved) at an instant: the first of the list that matches."""
        if not self._accepted(at_us):
            return S.OUT, True
        two = any(start <= at_us < end for start, end in self._two_boxes)
        told = self._reported(at_us)
        if told is S.SERVING and not two:
            return S.SERVING, True
        if self._maintained(at_us):
            return S.MAINTENANCE, True
        if told is S.BUFFERING and not two:
            return S.BUFFERING, True
        proved = told is not None or two or self._dead(at_us)
        if not proved and any(start <= at_us < end for start, end in self._blind):
            return S.UNKNOWN, True
        return S.DOWN, proved

    def _edges(self) -> set[int]:
        edges = {edge for pair in self._blind for edge in pair} | {self._now_us}
        for boot in self._boots:
            edges.update((boot.start_us, *boot.proofs))
            edges.update(at for run in boot.runs for at in (run.first_at_us, run.last_at_us))
            for record in boot.records.values():
                edges.update((record.at_us, _since_us(record)))
        edges.update(self._since_us(one) for one in self._facts.commissioning)
        edges.update(at for one in self._facts.maintenances for at in (one.start_us, one.end_us))
        return edges

    def _accepted(self, at_us: int) -> bool:
        """Ask every acceptance and withdrawal that counts by now and was not overtaken while it waited."""
        known = self._facts.commissioning
        before = [one for one in known if self._since_us(one) <= at_us and not self._overtaken(one)]
        newest = max(before, key=lambda one: (self._since_us(one), _lets_count(one)), default=None)
        return newest is not None and _lets_count(newest)

    def _overtaken(self, one: Commissioning) -> bool:
        return not _lets_count(one) and any(
            _lets_count(other)
            and other.recorded_at_us > one.recorded_at_us
            and self._since_us(other) <= self._since_us(one)
            for other in self._facts.commissioning
        )

    def _since_us(self, one: Commissioning) -> int:
        waits_us = self._settings.withdrawal_notice_us
        if _lets_count(one) or (one.reason is not None and one.second and one.second != one.who):
            waits_us = 0
        known_us = one.recorded_at_us + waits_us
        return known_us if one.void else max(known_us, one.at_us)

    def _maintained(self, at_us: int) -> bool:
        notice_us = self._settings.maintenance_notice_us
        return any(
            one.start_us <= at_us < one.end_us
            and bool(one.approved_by)
            and one.start_us - one.recorded_at_us >= notice_us
            for one in self._facts.maintenances
        )

    def _dead(self, at_us: int) -> bool:
        for boot in self._boots:
            last_us = boot.proofs[1]
            if boot.after is not None and last_us <= at_us < boot.after.start_us:
                return True
            later = (one.start_us for one in self._boots if one.start_us > boot.start_us)
            if boot.after is None and boot.stopped and last_us <= at_us < min(later, default=NEVER_US):
                return True
        return False

    def _reported(self, at_us: int) -> S | None:
        """Return what heartbeats and journal prove at an instant; None: nothing."""
        found = [one for boot in self._boots if (one := self._told_by(boot, at_us)) is not None]
        if found:
            return min(found, key=[S.SERVING, S.BUFFERING, S.DOWN].index)
        if not self._boots:
            return None
        newest = max(self._boots, key=lambda boot: (boot.proofs[1], boot.start_us))
        last_us = newest.proofs[1]
        silent_us = self._now_us - last_us
        if not last_us <= at_us < self._now_us or silent_us >= self._settings.silence_confirmed_us:
            return None
        return None if newest.stopped else self._at_last(newest, last_us)

    def _at_last(self, boot: _Boot, last_us: int) -> S | None:
        opened = max(boot.runs, key=lambda run: run.last_at_us)
        high = max([opened.journal_seq, *boot.records])
        if not _all_there(boot, opened.journal_seq, high):
            return None
        return _state(boot, opened, high, last_us, self._settings.lns_proof)

    def _told_by(self, boot: _Boot, at_us: int) -> S | None:
        if not boot.start_us <= at_us < boot.proofs[1]:
            return None
        inside = next((run for run in boot.runs if run.first_at_us <= at_us < run.last_at_us), None)
        if inside is not None:
            return _state(boot, inside, inside.journal_seq, at_us, self._settings.lns_proof)
        before = [run for run in boot.runs if run.last_at_us <= at_us]
        after = [run for run in boot.runs if run.first_at_us > at_us]
        opened = max(before, key=lambda run: (run.last_at_us, run.last_seq), default=None)
        closed = min(after, key=lambda run: (run.first_at_us, run.first_seq), default=None)
        if opened is None and (1 not in boot.records or boot.records[1].change is not Change.BOOT):
            return None
        low = opened.journal_seq if opened is not None else 0
        high = self._high(boot, low, closed, at_us)
        if high is None or (opened is not None and closed is not None and not self._regular(opened, closed)):
            return None
        return _state(boot, opened, high, at_us, self._settings.lns_proof)

    def _high(self, boot: _Boot, low: int, closed: HeartbeatRun | None, at_us: int) -> int | None:
        """Return up to which record all is known around an instant; None: something is missing."""
        end = boot.last_alive
        if closed is not None:
            return closed.journal_seq if _all_there(boot, low, closed.journal_seq) else None
        if end is not None and self._adds(boot, end):
            if end.journal_seq == 0 or not _all_there(boot, low, end.journal_seq):
                return None
            if at_us < end.at_us:
                return end.journal_seq
        high = low
        while high + 1 in boot.records:
            high += 1
        return high if high > low and boot.records[high].at_us > at_us else None

    def _adds(self, boot: _Boot, end: PreviousBoot) -> bool:
        """Return whether the last time alive is later than what else is known of the boot."""
        if any(run.last_at_us >= end.at_us for run in boot.runs):
            return False
        return end.journal_seq > 0 or all(one.at_us < end.at_us for one in boot.records.values())

    def _regular(self, opened: HeartbeatRun, closed: HeartbeatRun) -> bool:
        missed = closed.first_seq - opened.last_seq
        waited_ms = closed.first_uptime_ms - opened.last_uptime_ms
        off_ms = abs(waited_ms - missed * opened.interval_ms)
        return missed == 1 or off_ms <= self._settings.bridging_tolerance_ms


def commune(states: Iterable[S]) -> CommuneState:
    """Return the state of a commune from its members' states, as AVAILABILITY §3 lists them."""
    counting = [state for state in states if state is not S.OUT]
    if not counting:
        return CommuneState.NOT_COVERED
    if S.SERVING in counting:
        return CommuneState.SERVED
    if S.UNKNOWN in counting:
        return CommuneState.UNKNOWN
    return CommuneState.EXCLUDED if S.MAINTENANCE in counting else CommuneState.LOST


def _lets_count(one: Commissioning) -> bool:
    accepts = one.kind is CommissioningKind.ACCEPTED
    return not accepts if one.void else accepts


def _boots(facts: GatewayFacts) -> list[_Boot]:
    boots: dict[int, _Boot] = {}
    for run in facts.runs:
        boots.setdefault(run.boot, _Boot(run.boot)).runs.append(run)
    for record in facts.journal:
        if record.boot in boots:
            boots[record.boot].records[record.journal_seq] = record
    for boot in boots.values():
        first = boot.records.get(1)
        if first is not None and first.change is Change.BOOT:
            boot.start_us = first.at_us - first.uptime_ms * 1000
            if first.previous is not None and first.previous.boot in boots:
                boots[first.previous.boot].last_alive = first.previous
                boots[first.previous.boot].after = boot
        else:
            run = min(boot.runs, key=lambda run: run.first_seq)
            boot.start_us = run.first_at_us - run.first_uptime_ms * 1000
    ordered = sorted(boots.values(), key=lambda boot: boot.start_us)
    for boot, after in pairwise(ordered):
        if boot.after is None and boot.stopped:
            boot.after = after
    return ordered


def _all_there(boot: _Boot, low: int, high: int) -> bool:
    return sum(low < number <= high for number in boot.records) >= high - low


def _since_us(record: JournalFact) -> int:
    since_ms = record.uptime_ms if record.since_ms is None else record.since_ms
    return record.at_us - (record.uptime_ms - since_ms) * 1000


def _state(boot: _Boot, opened: HeartbeatRun | None, high: int, at_us: int, counts: LnsProof) -> S:
    """Return the state at an instant: what was said before it, changed by the records up to it."""
    radio, lns, spool, low = Radio.OFF, False, True, 0
    if opened is not None:
        radio, lns, spool = opened.radio, opened.lns_up, opened.spool_accepting
        low = opened.journal_seq
    for number in range(low + 1, high + 1):
        record = boot.records[number]
        if record.at_us > at_us:
            continue
        match record.change:
            case Change.RADIO:
                radio = Radio[record.value]
            case Change.CONNECTOR if record.subject == "lns":
                lns = record.value == "UP"
            case Change.SPOOL:
                spool = record.value == "ACCEPTING"
            case Change.STOP:
                radio = Radio.OFF
            case _:
                pass
    covering = [one for one in boot.records.values() if _since_us(one) <= at_us < one.at_us]
    if counts is LnsProof.END_TO_END:
        lns = lns and not _unanswered(boot, opened, high, at_us)
    else:
        covering = [one for one in covering if one.subject != END_TO_END]
    return _word(radio, lns=lns, spool=spool, covering=covering)


def _unanswered(boot: _Boot, opened: HeartbeatRun | None, high: int, at_us: int) -> bool:
    """Return whether the newest word of the test device up to an instant is that nobody acknowledged it."""
    low = 0 if opened is None else opened.journal_seq
    told = [one for n, one in sorted(boot.records.items()) if n <= high and one.subject == END_TO_END]
    known = [one.value for one in told if one.journal_seq <= low or one.at_us <= at_us]
    return known[-1:] == ["UNANSWERED"]


def _word(radio: Radio, *, lns: bool, spool: bool, covering: Sequence[JournalFact]) -> S:
    """Return the state, after losses that were noticed later than they began."""
    for record in covering:
        if record.change is Change.RADIO and record.value != "RECEIVING":
            radio = Radio[record.value] if radio is Radio.RECEIVING else radio
        if record.change is Change.CONNECTOR and record.value not in {"UP", "PROCESSED", "UNKNOWN"}:
            lns = False
    if radio is not Radio.RECEIVING:
        return S.DOWN
    if lns:
        return S.SERVING
    return S.BUFFERING if spool else S.DOWN
