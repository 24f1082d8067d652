"""Figures of the contract from timelines: integers of microseconds, exact verdicts, truncated percentages.

Sources: AVAILABILITY §3 (commune availability), §6 (global figure, truncation), §2 (causes).

The deferred figure: BUFFERING counts as served where delivery is proved (AVAILABILITY §6).

An instant of BUFFERING is made good by a ``Delivered`` that covers it, was acknowledged within the limit and
dropped nothing; one that dropped a frame over the same instant takes that back.  The times of a ``Delivered``
are the gateway's own: they are believed only for a boot of which a heartbeat was believed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import msgspec
from msgspec.structs import replace

from fleet.availability.communes import CommuneTimeline
from fleet.availability.timeline import Timeline
from fleet.facts.intervals import Interval, intersect, normal, subtract, total
from fleet.facts.model import DeliveredFact, GatewayFacts
from fleet.facts.settings import ContractSettings
from fleet.facts.states import Cause, CommuneState, GatewayState

PERCENT_DIGITS = 4
_OUT, _SERVING, _DOWN = GatewayState.OUT, GatewayState.SERVING, GatewayState.DOWN
_BUFFERING, _MAINTENANCE, _UNKNOWN = GatewayState.BUFFERING, GatewayState.MAINTENANCE, GatewayState.UNKNOWN
_SERVED, _LOST = CommuneState.SERVED, CommuneState.LOST
"""Global names: an attribute of an enumeration costs eight times as much in Python 3.11."""
_NO_TIME = dict.fromkeys(CommuneState, 0)


class Share(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was promised and given, in microseconds (times weight, for the whole)."""

    served: int
    charged: int
    """LOST, and UNKNOWN where it is charged."""

    @property
    def counted(self) -> int:
        """The denominator."""
        return self.served + self.charged

    @property
    def ratio(self) -> Fraction | None:
        """Availability, exactly; None when nothing counts."""
        return Fraction(self.served, self.counted) if self.counted else None

    def meets(self, objective_ppm: int) -> bool | None:
        """Return whether the objective holds, in integers; None when nothing counts.

        >>> Share(served=9_997, charged=3).meets(999_700), Share(served=99_969, charged=31).meets(999_700)
        (True, False)
        """
        return self.served * 1_000_000 >= objective_ppm * self.counted if self.counted else None


class GatewayFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One gateway over a window."""

    eui: str
    length_us: int
    by_state_us: dict[GatewayState, int]
    outages: int
    """Stretches of BUFFERING or DOWN, neighbours joined."""
    share: Share

    @property
    def mtbf_us(self) -> int | None:
        """Serving time per outage; None without an outage."""
        return self.by_state_us[GatewayState.SERVING] // self.outages if self.outages else None

    @property
    def mttr_us(self) -> int | None:
        """Lost time per outage; None without an outage."""
        lost = self.by_state_us[GatewayState.BUFFERING] + self.by_state_us[GatewayState.DOWN]
        return lost // self.outages if self.outages else None


class CommuneFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One commune over a window."""

    insee: str
    length_us: int
    by_state_us: dict[CommuneState, int]
    lost_by_us: dict[tuple[Cause, str], int] = msgspec.field(default_factory=dict)
    """LOST time by cause and responsible party."""
    below_two_us: int
    share: Share
    outages: int

    @property
    def redundancy(self) -> Fraction | None:
        """Share of the window with two members serving; None for an empty window."""
        return 1 - Fraction(self.below_two_us, self.length_us) if self.length_us else None


def gateway_figures(line: Timeline, settings: ContractSettings) -> GatewayFigures:
    """Return the figures of one gateway; OUT and MAINTENANCE do not count, UNKNOWN as the settings say."""
    down = buffering = maintenance = unknown = out = 0
    outages, ended_us = 0, -1
    for span in line.exceptions:
        state, start_us, end_us = span.state, span.start_us, span.end_us
        if state is _DOWN or state is _BUFFERING:
            outages += start_us != ended_us
            ended_us = end_us
            if state is _DOWN:
                down += end_us - start_us
            else:
                buffering += end_us - start_us
        elif state is _MAINTENANCE:
            maintenance += end_us - start_us
        elif state is _UNKNOWN:
            unknown += end_us - start_us
        else:
            out += end_us - start_us
    length_us = line.end_us - line.start_us
    serving = length_us - down - buffering - maintenance - unknown - out
    return GatewayFigures(
        eui=line.eui,
        length_us=length_us,
        by_state_us={
            _OUT: out,
            _SERVING: serving,
            _MAINTENANCE: maintenance,
            _BUFFERING: buffering,
            _DOWN: down,
            _UNKNOWN: unknown,
        },
        outages=outages,
        share=Share(
            served=serving, charged=down + buffering + (unknown if settings.unknown_is_charged else 0)
        ),
    )


def commune_figures(line: CommuneTimeline, settings: ContractSettings) -> CommuneFigures:
    """Return the figures of one commune."""
    by_state = _NO_TIME.copy()
    lost_by: dict[tuple[Cause, str], int] = {}
    outages, ended_us = 0, -1
    for span in line.exceptions:
        length = span.end_us - span.start_us
        by_state[span.state] += length
        if span.state is _LOST:
            key = (span.cause, span.responsible or settings.responsible[span.cause])
            lost_by[key] = lost_by.get(key, 0) + length
            outages += span.start_us != ended_us
            ended_us = span.end_us
    length_us = line.end_us - line.start_us
    by_state[_SERVED] = length_us - sum(by_state.values())
    charged = sum([us for state, us in by_state.items() if us and settings.charges(state)])
    return CommuneFigures(
        insee=line.insee,
        length_us=length_us,
        by_state_us=by_state,
        lost_by_us=lost_by,
        below_two_us=total(line.below_two),
        share=Share(served=by_state[_SERVED], charged=charged),
        outages=outages,
    )


def whole(communes: Iterable[CommuneFigures], weights: Mapping[str, int]) -> Share:
    """Return the global figure: communes weighted; one without a weight weighs nothing.

    >>> whole([], {}).ratio is None
    True
    """
    served = charged = 0
    for commune in communes:
        weight = weights.get(commune.insee, 0)
        served += weight * commune.share.served
        charged += weight * commune.share.charged
    return Share(served=served, charged=charged)


def mean_of_gateways(gateways: Iterable[GatewayFigures]) -> Fraction | None:
    """Return the mean availability of the gateways that count; not the contract's figure."""
    ratios = [ratio for gateway in gateways if (ratio := gateway.share.ratio) is not None]
    return sum(ratios, Fraction(0)) / len(ratios) if ratios else None


def lost_by(communes: Iterable[CommuneFigures], weights: Mapping[str, int]) -> dict[tuple[Cause, str], int]:
    """Return lost time times weight, by cause and responsible party."""
    lost: dict[tuple[Cause, str], int] = {}
    for commune in communes:
        for key, length in commune.lost_by_us.items():
            lost[key] = lost.get(key, 0) + length * weights.get(commune.insee, 0)
    return lost


def percent(ratio: Fraction | None, digits: int = 2) -> str:
    """Return a percentage, truncated, never rounded; empty when there is none.

    >>> percent(Fraction(999_699, 1_000_000)), percent(Fraction(1)), percent(Fraction(999_699, 1_000_000), 4)
    ('99.96', '100.00', '99.9699')
    """
    if ratio is None:
        return ""
    scaled = ratio.numerator * 100 * 10**digits // ratio.denominator
    return f"{scaled // 10**digits}.{scaled % 10**digits:0{digits}d}" if digits else str(scaled)


def made_good(facts: GatewayFacts, settings: ContractSettings) -> list[Interval]:
    """Return when everything that was received is proved to have been delivered in time."""
    believed = {run.boot for run in facts.runs if run.trusted}
    contractual = {run.contractual for run in facts.runs}
    clean: list[Interval] = []
    dropped: list[Interval] = []
    for one in facts.delivered:
        if one.boot not in believed or one.connector not in contractual:
            continue
        if one.dropped:
            dropped.append((one.received_from_us, one.received_until_us))
            continue
        in_time_us = one.acked_at_us - settings.deferred_limit_us
        clean.append((max(one.received_from_us, in_time_us), one.received_until_us))
    return subtract(normal(clean), normal(dropped))


def deferred(line: Timeline, facts: GatewayFacts, settings: ContractSettings) -> Timeline:
    """Return the timeline with BUFFERING taken out where it was made good."""
    good = made_good(facts, settings)
    if not good:
        return line
    exceptions = []
    for span in line.exceptions:
        if span.state is not GatewayState.BUFFERING or not intersect([(span.start_us, span.end_us)], good):
            exceptions.append(span)
            continue
        rest = subtract([(span.start_us, span.end_us)], good)
        exceptions += [replace(span, start_us=start, end_us=end) for start, end in rest]
    return Timeline(eui=line.eui, start_us=line.start_us, end_us=line.end_us, exceptions=tuple(exceptions))


@dataclass(frozen=True, slots=True, kw_only=True)
class LateFrames:
    """Frames that were delivered after an outage of the server or of the way to it."""

    late: int
    probably_refused: int
    """Those received while a neighbour served: of a device that it heard too, the server has newer frames."""


def late_frames(
    own: Timeline, delivered: Iterable[DeliveredFact], neighbours: Iterable[Timeline]
) -> LateFrames:
    """Return how many frames were delivered late, and how many the server probably refused.

    Frames are spread evenly over the span of their proof; those of BUFFERING were late.  A server takes no
    frame whose counter is below the newest it has: what a neighbour delivered meanwhile makes the rest old.
    """
    waiting = normal(_spans_of(own, GatewayState.BUFFERING))
    served = normal(span for line in neighbours for span in _spans_of(line, GatewayState.SERVING))
    late = refused = 0
    for fact in delivered:
        span = [(fact.received_from_us, fact.received_until_us)]
        length_us = total(span)
        held = intersect(span, waiting) if length_us > 0 else []
        if held:
            late += fact.frames * total(held) // length_us
            refused += fact.frames * total(intersect(held, served)) // length_us
    return LateFrames(late=late, probably_refused=refused)


def _spans_of(line: Timeline, state: GatewayState) -> list[Interval]:
    return [(span.start_us, span.end_us) for span in line.spans if span.state is state]
