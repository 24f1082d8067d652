"""Timelines of the members of a commune to the commune's own (AVAILABILITY §3, §5).

    SERVED       any member SERVING
    UNKNOWN      else any UNKNOWN
    EXCLUDED     else any in MAINTENANCE, within the caps of works (``works``); beyond them LOST
    LOST         else
    NOT_COVERED  no member that is not OUT

With ``serving = all`` the mirror: SERVED while all serve, else LOST if any is down or buffering, else
UNKNOWN, else EXCLUDED.  A stretch takes the cause of the member that made it so last: it took the service.

Effective redundancy: two members behind one cause of failure are one (AVAILABILITY §6).

A *failure domain* is a backhaul operator, a power feeder or a firmware wave.  A domain serves while any of
its members does; a commune is redundant in a kind of domain while two domains serve.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise, takewhile

import msgspec
from msgspec.structs import replace

from fleet.availability.members import Member, any_away, depths, parts, whole_window
from fleet.availability.timeline import WITHDRAWN, Span, Timeline
from fleet.facts.intervals import (
    Interval,
    Intervals,
    clip,
    complement,
    deeper_than,
    intersect,
    normal,
    subtract,
)
from fleet.facts.model import Membership
from fleet.facts.months import Window
from fleet.facts.revisions import current
from fleet.facts.settings import ContractSettings, Serving
from fleet.facts.states import LOST_STATES, Cause, CommuneState, GatewayState
from fleet.lang.reasons import FleetReason, own

OVER_THE_CAP = own(FleetReason.BEYOND_CAP)
_SERVED, _LOST, _UNKNOWN = CommuneState.SERVED, CommuneState.LOST, CommuneState.UNKNOWN
_EXCLUDED, _NOT_COVERED = CommuneState.EXCLUDED, CommuneState.NOT_COVERED
_OUT = GatewayState.OUT
"""Global names: an attribute of an enumeration costs eight times as much in Python 3.11."""
_DECIDES = {
    _UNKNOWN: (GatewayState.UNKNOWN,),
    _EXCLUDED: (GatewayState.MAINTENANCE,),
    _LOST: tuple(sorted(LOST_STATES)),
}
"""States of members that make a commune what it is: the cause comes from one of these."""


class CommuneSpan(msgspec.Struct, frozen=True, gc=False):
    """One state of one commune over [start, end)."""

    start_us: int
    end_us: int
    state: CommuneState
    cause: Cause = Cause.NONE
    responsible: str = ""
    """Empty: as the settings say for the cause."""
    eui: str = ""
    """The member that took the service."""
    reason: str = ""

    @property
    def length_us(self) -> int:
        """How long it lasts."""
        return self.end_us - self.start_us


class CommuneTimeline(msgspec.Struct, frozen=True, kw_only=True):
    """One commune over a window: what is not an exception is SERVED."""

    insee: str
    start_us: int
    end_us: int
    exceptions: tuple[CommuneSpan, ...]
    below_two: tuple[Interval, ...]
    """When fewer than two members were SERVING: no redundancy (a proxy; the promise is per sensor)."""

    @property
    def spans(self) -> tuple[CommuneSpan, ...]:
        """The partition of the window."""
        whole: list[CommuneSpan] = []
        at_us = self.start_us
        for span in self.exceptions:
            if at_us < span.start_us:
                whole.append(CommuneSpan(at_us, span.start_us, _SERVED))
            whole.append(span)
            at_us = span.end_us
        if at_us < self.end_us:
            whole.append(CommuneSpan(at_us, self.end_us, _SERVED))
        return tuple(whole)


def members_of(memberships: Iterable[Membership]) -> dict[str, tuple[Membership, ...]]:
    """Return the approved memberships of each commune; of one id the newest counts."""
    found: dict[str, list[Membership]] = {}
    for membership in current(memberships):
        if membership.approved_by:
            found.setdefault(membership.commune_insee, []).append(membership)
    return {insee: tuple(found[insee]) for insee in sorted(found)}


def commune_timeline(
    insee: str,
    memberships: Sequence[Membership],
    lines: Mapping[str, Timeline],
    window: Window,
    settings: ContractSettings,
    *,
    allowed: Intervals = (),
) -> CommuneTimeline:
    """Return the timeline of one commune; a member without a timeline counts as OUT.

    ``allowed``: when works may exclude time; none unless ``works.allowances`` gives it.
    """
    members = parts(memberships, lines, window)
    count = len(members)
    if count:
        none_serving, below_two = depths(members, window)
        doubtful = none_serving if settings.serving is not Serving.ALL else any_away(members, window)
    else:
        doubtful = below_two = whole_window(window)
    spans: list[CommuneSpan] = []
    for gap in doubtful:
        simple = _simple(members, gap, settings)
        spans.extend(_by_member_states(members, gap, settings) if simple is None else (simple,))
    return CommuneTimeline(
        insee=insee,
        start_us=window.start_us,
        end_us=window.end_us,
        exceptions=_capped(_joined(spans), allowed),
        below_two=tuple(below_two),
    )


def _simple(members: Sequence[Member], gap: Interval, settings: ContractSettings) -> CommuneSpan | None:
    """Return the one state of a gap over which no member changes; None if one does."""
    states: list[tuple[str, Span | None]] = []
    for member in members:
        if member.outside:
            return None
        edge = bisect_right(member.line.edges, gap[0] * 2 + 1)
        span = member.line.exceptions[edge >> 1] if edge & 1 else None
        if span is None or span.end_us < gap[1]:
            return None
        states.append((member.eui, span))
    return _state_of(gap[0], gap[1], states, settings)


def _end_us(span: Span) -> int:
    return span.end_us


def _by_member_states(
    members: Sequence[Member], gap: Interval, settings: ContractSettings
) -> list[CommuneSpan]:
    """Return the states within a gap of service, cut wherever a member's state changes."""
    inside = [(member.eui, _inside(member, gap)) for member in members]
    edges = {edge for _, spans in inside for span in spans for edge in (span.start_us, span.end_us)}
    cuts = sorted({*gap, *(edge for edge in edges if gap[0] < edge < gap[1])})
    at = [0] * len(inside)
    gap_spans: list[CommuneSpan] = []
    for start_us, end_us in pairwise(cuts):
        states: list[tuple[str, Span | None]] = []
        for index, (eui, spans) in enumerate(inside):
            while at[index] < len(spans) and spans[at[index]].end_us <= start_us:
                at[index] += 1
            span = spans[at[index]] if at[index] < len(spans) else None
            states.append((eui, span if span is not None and span.start_us <= start_us else None))
        gap_spans.append(_state_of(start_us, end_us, states, settings))
    return gap_spans


def _inside(member: Member, gap: Interval) -> list[Span]:
    """Return what the member was within a gap; no span is SERVING, no membership is OUT."""
    exceptions = member.line.exceptions
    first = bisect_right(exceptions, gap[0], key=_end_us)
    spans = list(takewhile(lambda span: span.start_us < gap[1], exceptions[first:]))
    if member.outside:
        kept = [
            replace(span, start_us=start_us, end_us=end_us)
            for span in spans
            for start_us, end_us in subtract([(span.start_us, span.end_us)], member.outside)
        ]
        outside = clip(member.outside, gap[0], gap[1])
        spans = kept + [Span(start_us, end_us, GatewayState.OUT) for start_us, end_us in outside]
        spans.sort(key=lambda span: span.start_us)
    return spans


def _state_of(
    start_us: int, end_us: int, states: Sequence[tuple[str, Span | None]], settings: ContractSettings
) -> CommuneSpan:
    counting = [(eui, span) for eui, span in states if span is None or span.state is not _OUT]
    if not counting:
        return CommuneSpan(start_us, end_us, _NOT_COVERED, reason=_why_not_covered(states))
    away = [(eui, span) for eui, span in counting if span is not None]
    kinds = {span.state for _, span in away}
    state = _rule(kinds, all_away=len(away) == len(counting), settings=settings)
    if state is _SERVED:
        return CommuneSpan(start_us, end_us, state)
    decisive = [pair for pair in away if pair[1].state in _DECIDES[state]]
    eui, span = max(decisive, key=lambda pair: (pair[1].start_us, pair[0]))
    return CommuneSpan(start_us, end_us, state, span.cause, span.responsible, eui, span.reason)


def _why_not_covered(states: Sequence[tuple[str, Span | None]]) -> str:
    return WITHDRAWN if any(span is not None and span.reason == WITHDRAWN for _, span in states) else ""


def _rule(kinds: set[GatewayState], *, all_away: bool, settings: ContractSettings) -> CommuneState:
    unknown = GatewayState.UNKNOWN in kinds
    maintained = GatewayState.MAINTENANCE in kinds
    if settings.serving is Serving.ALL:
        if kinds & LOST_STATES:
            return _LOST
        if unknown:
            return _UNKNOWN
        return _EXCLUDED if maintained else _SERVED
    if not all_away:
        return _SERVED
    if unknown:
        return _UNKNOWN
    return _EXCLUDED if maintained else _LOST


def _joined(spans: Iterable[CommuneSpan]) -> list[CommuneSpan]:
    joined: list[CommuneSpan] = []
    for span in spans:
        if span.state is _SERVED:
            continue
        if joined and joined[-1].end_us == span.start_us and _says(joined[-1]) == _says(span):
            joined[-1] = replace(joined[-1], end_us=span.end_us)
        else:
            joined.append(span)
    return joined


def _says(span: CommuneSpan) -> tuple[object, ...]:
    return (span.state, span.cause, span.responsible, span.eui, span.reason)


def _capped(spans: Sequence[CommuneSpan], allowed: Intervals) -> tuple[CommuneSpan, ...]:
    """Turn what is EXCLUDED beyond the caps of works into LOST."""
    if all(span.state is not _EXCLUDED for span in spans):
        return tuple(spans)
    capped: list[CommuneSpan] = []
    for span in spans:
        if span.state is not _EXCLUDED:
            capped.append(span)
            continue
        whole = [(span.start_us, span.end_us)]
        over = replace(span, state=_LOST, reason=OVER_THE_CAP)
        parts = [(interval, span) for interval in intersect(whole, allowed)]
        parts += [(interval, over) for interval in subtract(whole, allowed)]
        for (start_us, end_us), like in sorted(parts, key=lambda part: part[0]):
            capped.append(replace(like, start_us=start_us, end_us=end_us))
    return tuple(_joined(capped))


UNKNOWN_DOMAIN = "?"
"""Members of which the domain is not known share one: what we do not know does not make us redundant."""


def below_two_domains(
    memberships: Sequence[Membership],
    lines: Mapping[str, Timeline],
    domain_of: Mapping[str, str],
    window: Window,
) -> list[Interval]:
    """Return when fewer than two failure domains of a commune served."""
    away: dict[str, list[Interval]] = {}
    for membership in memberships:
        domain = domain_of.get(membership.eui) or UNKNOWN_DOMAIN
        here = _away(membership, lines.get(membership.eui), window)
        away[domain] = intersect(away[domain], here) if domain in away else here
    if len(away) < 2:
        return [(window.start_us, window.end_us)] if window.length_us else []
    return deeper_than(len(away) - 2, [interval for one in away.values() for interval in one])


def _away(membership: Membership, line: Timeline | None, window: Window) -> list[Interval]:
    """Return when one member was not SERVING, or no member, within the window."""
    if line is None:
        return [(window.start_us, window.end_us)]
    until_us = window.end_us if membership.valid_to_us is None else membership.valid_to_us
    inside = clip([(membership.valid_from_us, until_us)], window.start_us, window.end_us)
    covered = clip(inside, line.start_us, line.end_us)
    outside = complement(covered, window.start_us, window.end_us)
    spans = ((span.start_us, span.end_us) for span in line.exceptions)
    return clip(normal([*spans, *outside]), window.start_us, window.end_us)
