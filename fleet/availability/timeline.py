"""Facts of one gateway to its timeline: the first state of AVAILABILITY §2 that matches, at every instant.

Layers are painted in the order of §2; what one has covered, no later one can change:

    OUT          not accepted, or withdrawn (``commissioning``)
    SERVING      proved, and not two boxes
    MAINTENANCE  approved and announced in time
    BUFFERING    proved, and not two boxes
    DOWN         proved: dead, deaf, off, spool full, two boxes
    UNKNOWN      no fact, and we were blind
    DOWN         inferred: no fact, and we were not blind

While silence is not yet confirmed, the newest stretch has the state that the last proof of life left.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Protocol, TypeVar

import msgspec
from msgspec.structs import replace

from fleet.availability.commissioning import edges
from fleet.availability.history import History, Proved, history
from fleet.availability.works import excused
from fleet.facts.intervals import Interval, Intervals, clip, normal, subtract
from fleet.facts.model import (
    Blindness,
    Commissioning,
    GatewayFacts,
    OperatorStatement,
)
from fleet.facts.months import Window
from fleet.facts.revisions import current, newest
from fleet.facts.settings import ContractSettings
from fleet.facts.states import LOST_STATES, Cause, CommuneState, GatewayState
from fleet.lang.reasons import FleetReason, of_blindness, own

SILENT = own(FleetReason.SILENT)
TWO_BOXES = own(FleetReason.TWO_BOXES)
WITHDRAWN = own(FleetReason.WITHDRAWN)


class Span(msgspec.Struct, frozen=True, gc=False):
    """One state of one gateway over [start, end), and why."""

    start_us: int
    end_us: int
    state: GatewayState
    cause: Cause = Cause.NONE
    proved: bool = True
    """False: inferred from silence, « muette »."""
    reason: str = ""
    evidence: str = ""
    """``boot/journal_seq`` of the newest record at its start, or the id of a person's fact."""
    responsible: str = ""
    """Empty: as the settings say for the cause."""

    @property
    def length_us(self) -> int:
        """How long it lasts."""
        return self.end_us - self.start_us


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """One gateway over a window: what is not an exception is SERVING."""

    eui: str
    start_us: int
    end_us: int
    exceptions: tuple[Span, ...]
    """Sorted, disjoint; none is SERVING."""
    edges: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """Where the exceptions begin and end, as ``intervals.edges_of``: communes are swept over these."""

    def __post_init__(self) -> None:
        edges = [edge for span in self.exceptions for edge in (span.start_us * 2 + 1, span.end_us * 2)]
        object.__setattr__(self, "edges", tuple(edges))

    @property
    def spans(self) -> tuple[Span, ...]:
        """The partition of the window."""
        whole: list[Span] = []
        at_us = self.start_us
        for span in self.exceptions:
            if at_us < span.start_us:
                whole.append(Span(at_us, span.start_us, GatewayState.SERVING))
            whole.append(span)
            at_us = span.end_us
        if at_us < self.end_us:
            whole.append(Span(at_us, self.end_us, GatewayState.SERVING))
        return tuple(whole)


def timeline(
    facts: GatewayFacts,
    blindness: Iterable[Blindness],
    window: Window,
    settings: ContractSettings,
    now_us: int,
) -> Timeline:
    """Return the timeline of one gateway over the window, as far as ``now_us``."""
    return paint(facts, history(facts, settings), blindness, window, settings, now_us=now_us)


class Stretch(Protocol):
    """A span of a gateway or of a commune."""

    @property
    def start_us(self) -> int:
        """When it begins; microseconds UTC."""

    @property
    def state(self) -> GatewayState | CommuneState:
        """The state that holds during it."""


AnyStretch = TypeVar("AnyStretch", bound=Stretch)


def present(spans: Sequence[AnyStretch]) -> tuple[AnyStretch, int] | None:
    """Return the newest span and since when its state has held, whatever its causes; None if there is none.

    >>> down = Span(20, 30, GatewayState.DOWN, Cause.POWER)
    >>> newest = Span(30, 40, GatewayState.DOWN, Cause.UNKNOWN)
    >>> present((Span(0, 20, GatewayState.SERVING), down, newest)) == (newest, 20)
    True
    """
    if not spans:
        return None
    newest = spans[-1]
    *_, first = takewhile(lambda span: span.state is newest.state, reversed(spans))
    return newest, first.start_us


def paint(
    facts: GatewayFacts,
    past: History,
    blindness: Iterable[Blindness],
    window: Window,
    settings: ContractSettings,
    *,
    now_us: int,
) -> Timeline:
    """Return the timeline that a history gives, laid under what people and our own eyes say."""
    end_us = max(window.start_us, min(window.end_us, now_us))
    canvas = _Canvas(window.start_us, end_us)
    canvas.lay_spans(_out(facts.commissioning, settings, window.start_us, end_us))
    proved = [*past.proved, *_presumed(past, settings, now_us)]
    serving = normal((one.start_us, one.end_us) for one in proved if one.state is GatewayState.SERVING)
    canvas.lay(subtract(serving, past.two_boxes), Span(0, 0, GatewayState.SERVING))
    for window_ in current(facts.maintenances):
        reason, cause = own(FleetReason.MAINTENANCE, text=window_.reason), Cause.OURS
        layer = Span(0, 0, GatewayState.MAINTENANCE, cause, True, reason, window_.id)
        canvas.lay(excused(window_, facts.maintenances, settings), layer)
    canvas.lay_spans(_layer(proved, GatewayState.BUFFERING, past.two_boxes))
    two = Span(0, 0, GatewayState.DOWN, Cause.BOX, True, TWO_BOXES)
    canvas.lay(past.two_boxes, two)
    canvas.lay_spans(_layer(proved, GatewayState.DOWN, ()))
    for blind in newest(blindness):
        if blind.euis and facts.eui not in blind.euis:
            continue
        reason = of_blindness(blind.path, blind.reason)
        layer = Span(0, 0, GatewayState.UNKNOWN, Cause.OURS, True, reason, blind.id)
        canvas.lay(_blind(blind, settings), layer)
    canvas.lay([(window.start_us, end_us)], Span(0, 0, GatewayState.DOWN, Cause.UNKNOWN, False, SILENT))
    spans = _stated(canvas.spans(), facts.statements)
    return Timeline(eui=facts.eui, start_us=window.start_us, end_us=end_us, exceptions=_exceptions(spans))


class _Canvas:
    """A window of which each instant takes the first colour that is laid on it."""

    def __init__(self, start_us: int, end_us: int) -> None:
        self._free: list[Interval] = [(start_us, end_us)] if start_us < end_us else []
        self._spans: list[Span] = []

    def lay(self, intervals: Intervals, like: Span) -> None:
        """Cover what is still free of ``intervals`` with spans like ``like``."""
        says = (like.state, like.cause, like.proved, like.reason, like.evidence, like.responsible)
        self.lay_spans([Span(start_us, end_us, *says) for start_us, end_us in intervals])

    def lay_spans(self, layer: Sequence[Span]) -> None:
        """Cover what is still free of one layer, sorted by start; where two spans overlap the first stays."""
        free, index, reached_us = self._free, 0, 0
        for span in layer:
            start_us = max(span.start_us, reached_us)
            while index < len(free) and free[index][1] <= start_us:
                index += 1
            at = index
            while at < len(free) and free[at][0] < span.end_us:
                from_us, to_us = max(free[at][0], start_us), min(free[at][1], span.end_us)
                if from_us < to_us:
                    whole = from_us == span.start_us and to_us == span.end_us
                    self._spans.append(span if whole else replace(span, start_us=from_us, end_us=to_us))
                at += 1
            reached_us = max(reached_us, span.end_us)
        self._free = subtract(free, normal((span.start_us, span.end_us) for span in layer))

    def spans(self) -> list[Span]:
        """Return all spans in order."""
        return sorted(self._spans, key=lambda span: span.start_us)


def _layer(proved: Sequence[Proved], state: GatewayState, void: Sequence[Interval]) -> list[Span]:
    """Return one layer of what is proved, without what is void."""
    return [
        Span(start_us, end_us, state, one.cause, True, one.reason, one.evidence)
        for one in proved
        if one.state is state
        for start_us, end_us in subtract([(one.start_us, one.end_us)], void)
    ]


def _presumed(past: History, settings: ContractSettings, now_us: int) -> list[Proved]:
    """Return the newest stretch: the last state holds until silence is confirmed."""
    if past.last is None or past.last_us is None or now_us - past.last_us >= settings.silence_confirmed_us:
        return []
    return [replace(past.last, end_us=now_us)] if past.last_us < now_us else []


def _out(
    facts: Sequence[Commissioning], settings: ContractSettings, start_us: int, end_us: int
) -> list[Span]:
    """Return when a gateway does not count: before its acceptance, after its withdrawal."""
    spans: list[Span] = []
    since_us, reason, evidence, counts = start_us, "", "", False
    for edge in edges(facts, settings):
        if edge.counts and not counts and since_us < edge.at_us:
            until_us = min(edge.at_us, end_us)
            spans.append(Span(since_us, until_us, GatewayState.OUT, reason=reason, evidence=evidence))
        if counts and not edge.counts:
            since_us, reason, evidence = max(start_us, edge.at_us), WITHDRAWN, edge.id
        counts = edge.counts
    if not counts and since_us < end_us:
        spans.append(Span(since_us, end_us, GatewayState.OUT, reason=reason, evidence=evidence))
    return [span for span in spans if span.start_us < span.end_us]


def _blind(blind: Blindness, settings: ContractSettings) -> list[Interval]:
    end_us = _NEVER_US if blind.end_us is None else blind.end_us + settings.blindness_tail_us
    return [(blind.start_us, end_us)] if blind.start_us < end_us else []


def _stated(spans: Sequence[Span], statements: Sequence[OperatorStatement]) -> list[Span]:
    """Return the spans with the causes that people stated; a state is never changed."""
    stated = list(spans)
    for statement in current(statements):
        if statement.suspected:
            stated = _by_suspicion(stated, statement)
        else:
            stated = [part for span in stated for part in _by_statement(span, statement)]
    return stated


def _by_suspicion(spans: Sequence[Span], statement: OperatorStatement) -> list[Span]:
    """Return the spans in which each loss that begins within the statement has its cause, to the loss's end.

    A power cut that is proved keeps its own: no change of ours cuts the power.
    """
    found: list[Span] = []
    began_us, ended_us = 0, -1
    for span in spans:
        if span.state in LOST_STATES and span.start_us != ended_us:
            began_us = span.start_us
        if span.state in LOST_STATES:
            ended_us = span.end_us
            ours = statement.start_us <= began_us < statement.end_us and span.cause is not Cause.POWER
            found.append(_stated_span(span, statement) if ours else span)
        else:
            found.append(span)
    return found


def _stated_span(span: Span, statement: OperatorStatement) -> Span:
    return replace(
        span,
        cause=statement.cause,
        reason=statement.text,
        evidence=statement.id,
        responsible=statement.responsible,
    )


def _by_statement(span: Span, statement: OperatorStatement) -> list[Span]:
    inside = clip([(span.start_us, span.end_us)], statement.start_us, statement.end_us)
    if not inside or span.state in (GatewayState.SERVING, GatewayState.OUT):
        return [span]
    start_us, end_us = inside[0]
    parts = [_stated_span(replace(span, start_us=start_us, end_us=end_us), statement)]
    if span.start_us < start_us:
        parts.insert(0, replace(span, end_us=start_us))
    if end_us < span.end_us:
        parts.append(replace(span, start_us=end_us))
    return parts


def _exceptions(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Drop SERVING and join neighbours that say the same; the evidence of the first stands for both."""
    joined: list[Span] = []
    for span in spans:
        if span.state is GatewayState.SERVING:
            continue
        if joined and joined[-1].end_us == span.start_us and _says(joined[-1]) == _says(span):
            joined[-1] = replace(joined[-1], end_us=span.end_us)
        else:
            joined.append(span)
    return tuple(joined)


def _says(span: Span) -> tuple[object, ...]:
    return (span.state, span.cause, span.proved, span.reason, span.responsible)


_NEVER_US = 1 << 62
