"""One gateway's history as its own facts prove it: serving, buffering or down, each with its cause.

What is not in a history is not proved; ``timeline`` decides what that means.  A history does not depend on
the present instant, so it is computed once for a set of facts.

Causes (AVAILABILITY §2): radio OFF or DEAF: radio.  LNS not up: LNS where the fleet heard the gateway say so
for at least half of the time, else backhaul, because then both paths were gone.  Dead: box after an orderly
stop or a start that blames the box, else power; what the start after it needs, up to an allowance, belongs
to the same cause.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from agent.wire.messages import Change, Radio
from fleet.availability.backdating import Piece
from fleet.availability.chronicle import Chronicle, chronicle
from fleet.availability.points import Life, lives, with_last_alive
from fleet.availability.proofs import counted
from fleet.facts.intervals import Interval, deeper_than
from fleet.facts.model import GatewayFacts, JournalFact
from fleet.facts.settings import ContractSettings
from fleet.facts.states import Cause, GatewayState
from fleet.lang.reasons import FleetReason, blames_the_box, own, spool_full

FOR_EVER_US = 1 << 62
"""Later than any instant that a database holds."""
STOPPED, DIED = own(FleetReason.STOPPED), own(FleetReason.DIED)
RADIO_REASONS = {Radio.DEAF: own(FleetReason.RADIO_DEAF), Radio.OFF: own(FleetReason.RADIO_OFF)}
"""For a record that does not say why."""


class Proved(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A stretch that the gateway's own facts prove."""

    start_us: int
    end_us: int
    state: GatewayState
    cause: Cause
    reason: str
    evidence: str
    """``boot/journal_seq`` of the newest record at its start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Everything one gateway proved about itself."""

    proved: tuple[Proved, ...]
    """In order of start; stretches of two lives may overlap by the error of their clocks."""
    two_boxes: tuple[Interval, ...]
    """Two boxes said to be this gateway."""
    last: Proved | None
    """Zero-length: the state at the last proof of life; None: never heard, or stopped."""
    last_us: int | None
    unplaced: int
    """Records of boots that were never heard live: their time is not known, they prove nothing."""


def history(facts: GatewayFacts, settings: ContractSettings) -> History:
    """Return what the facts of one gateway prove, whatever their order, doubles and delay."""
    facts = counted(facts, settings)
    found = list(lives(facts.runs, facts.journal, settings))
    ends = _deaths(found, settings)
    proved: list[Proved] = []
    last: Proved | None = None
    last_us: int | None = None
    stop_causes = {end.next_index: end.cause for end in ends if end is not None}
    for index, (life, end) in enumerate(zip(found, ends, strict=True)):
        past = chronicle(life, settings)
        here = _states(life, past, stop_causes.get(index), settings)
        proved.extend(here)
        death = end
        if death is None and past.stopped:
            until_us = found[index + 1].start_us if index + 1 < len(found) else FOR_EVER_US
            death = _End(index + 1, until_us, Cause.BOX, STOPPED, f"{life.boot}/{past.last_seq}")
        if death is not None:
            span = (past.last_us, death.until_us)
            proved.append(_proved(span, GatewayState.DOWN, death.cause, death.reason, death.evidence))
        if last_us is None or past.last_us >= last_us:
            last_us = past.last_us
            last = _at_last(life, past, here)
    heard = {life.boot for life in found}
    return History(
        proved=tuple(sorted((one for one in proved if one.start_us < one.end_us), key=_by_start)),
        two_boxes=tuple(_two_boxes(found, settings)),
        last=last,
        last_us=last_us,
        unplaced=len({(fact.boot, fact.journal_seq) for fact in facts.journal if fact.boot not in heard}),
    )


@dataclass(frozen=True, slots=True)
class _End:
    """How a life ended, and the start that ended its death."""

    next_index: int
    until_us: int
    cause: Cause
    reason: str
    evidence: str


def _deaths(found: list[Life], settings: ContractSettings) -> list[_End | None]:
    """Find, for each life, the start that ended its death; lengthens a life to its last time alive."""
    ends: list[_End | None] = [None] * len(found)
    by_boot = _by_boot(found)
    for index, life in enumerate(found):
        start = _boot_record(life)
        before = _before(index, start, by_boot)
        if before is None:
            continue
        if start is not None and start.previous is not None and start.previous.boot == found[before].boot:
            found[before] = with_last_alive(found[before], start.previous, settings)
            ends[before] = _end(index, life, start, clean=start.previous.clean)
        elif _stopped(found[before]):
            ends[before] = _end(index, life, start, clean=True)
    return ends


def predecessors(found: Sequence[Life], settings: ContractSettings) -> tuple[list[int | None], list[Life]]:
    """Return the life before each, and every life lengthened to its last time alive."""
    alive = list(found)
    _deaths(alive, settings)
    by_boot = _by_boot(found)
    return [_before(index, _boot_record(life), by_boot) for index, life in enumerate(found)], alive


def _end(index: int, life: Life, start: JournalFact | None, *, clean: bool) -> _End:
    why = "" if start is None else start.reason
    cause = Cause.BOX if clean or blames_the_box(why) else Cause.POWER
    reason = why or (STOPPED if clean else DIED)
    return _End(index, life.start_us, cause, reason, f"{life.boot}/1" if start is not None else "")


def _by_boot(found: Sequence[Life]) -> dict[int, list[int]]:
    """Return which lives each boot number has, in order of start."""
    lives_of: dict[int, list[int]] = {}
    for index, life in enumerate(found):
        lives_of.setdefault(life.boot, []).append(index)
    return lives_of


def _before(index: int, start: JournalFact | None, by_boot: Mapping[int, Sequence[int]]) -> int | None:
    """Return the life before: the one that the start names, else the newest that began earlier."""
    if start is not None and start.previous is not None:
        named = by_boot.get(start.previous.boot, ())
        earlier = bisect_left(named, index)
        if earlier:
            return named[earlier - 1]
    return index - 1 if index else None


def _boot_record(life: Life) -> JournalFact | None:
    for point in life.points:
        if point.record is not None and point.record.change is Change.BOOT:
            return point.record
    return None


def _stopped(life: Life) -> bool:
    record = life.points[-1].record
    return record is not None and record.change is Change.STOP


def _states(
    life: Life, past: Chronicle, stop_cause: Cause | None, settings: ContractSettings
) -> list[Proved]:
    """Return the states of a life's pieces, with causes."""
    states: list[Proved] = []
    for group in _groups(past.pieces):
        cause = _lns_cause(group)
        states.extend(_state(life, piece, cause) for piece in group)
    if stop_cause is None:
        return states
    return _inherited(life, states, stop_cause, settings)


def _groups(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Join neighbours that share one LNS outage; every other piece stands alone."""
    groups: list[list[Piece]] = []
    for piece in pieces:
        last = groups[-1][-1] if groups else None
        if last is not None and last.end_us == piece.start_us and _cut(last) and _cut(piece):
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return groups


def _cut(piece: Piece) -> bool:
    return piece.condition.radio is Radio.RECEIVING and piece.condition.lns_up is False


def _lns_cause(group: Sequence[Piece]) -> Cause:
    """Return who cut the LNS off: pieces of one life never overlap, so their lengths add up."""
    whole = sum(piece.end_us - piece.start_us for piece in group)
    heard = sum(piece.end_us - piece.start_us for piece in group if piece.heard)
    return Cause.LNS if heard * 2 >= whole else Cause.BACKHAUL


def _state(life: Life, piece: Piece, lns_cause: Cause) -> Proved:
    """Return the state of a piece."""
    condition = piece.condition
    evidence = f"{life.boot}/{piece.journal_seq}"
    span = (piece.start_us, piece.end_us)
    if condition.radio is not Radio.RECEIVING:
        reason = condition.radio_reason or RADIO_REASONS[condition.radio]
        return _proved(span, GatewayState.DOWN, Cause.RADIO, reason, evidence)
    if condition.lns_up:
        return _proved(span, GatewayState.SERVING, Cause.NONE, "", "")
    state = GatewayState.BUFFERING if condition.accepting else GatewayState.DOWN
    reason = condition.lns_reason if condition.accepting else spool_full(condition.lns_reason)
    return _proved(span, state, lns_cause, reason, evidence)


def _inherited(
    life: Life, states: list[Proved], stop_cause: Cause, settings: ContractSettings
) -> list[Proved]:
    """Give what a start needs until it serves to the cause of the stop, if it is short enough."""
    reached_us = life.start_us
    count = 0
    for state in states:
        if state.start_us != reached_us or state.state is GatewayState.SERVING:
            break
        reached_us = state.end_us
        count += 1
    if reached_us - life.start_us > settings.restart_allowance_us:
        return states
    return [replace(state, cause=stop_cause) for state in states[:count]] + states[count:]


def _at_last(life: Life, past: Chronicle, states: Sequence[Proved]) -> Proved | None:
    """Return the state that the last proof of life left, with the cause of the stretch before it."""
    if past.last is None:
        return None
    point = life.points[-1]
    instant = Piece(
        start_us=past.last_us,
        end_us=past.last_us,
        condition=past.last,
        heard=point.beat is not None,
        journal_seq=point.journal_seq,
    )
    last = _state(life, instant, Cause.LNS if instant.heard else Cause.BACKHAUL)
    before = states[-1] if states and states[-1].end_us == past.last_us else None
    if before is not None and before.state is last.state:
        return replace(before, start_us=past.last_us, end_us=past.last_us)
    return last


def _two_boxes(found: Sequence[Life], settings: ContractSettings) -> list[Interval]:
    alive = [(life.points[0].at_us, life.last_us) for life in found]
    both = deeper_than(1, alive)
    return [(start, end) for start, end in both if end - start > settings.two_boxes_overlap_us]


def _proved(span: Interval, state: GatewayState, cause: Cause, reason: str, evidence: str) -> Proved:
    return Proved(
        start_us=span[0], end_us=span[1], state=state, cause=cause, reason=reason, evidence=evidence
    )


def _by_start(one: Proved) -> tuple[int, int, str, str, str, str]:
    return (one.start_us, one.end_us, one.state, one.cause, one.reason, one.evidence)
