"""A commune by its sensors: the mean over them of « at least one coverer SERVING » (AVAILABILITY §3); pure.

Sensors that the same gateways hear share a timeline; their times are weighted by how many they are and
divided by all, each bound rounded up against us (below 1 µs a state), so that the states still partition the
window.
A commune of which no sensor is known is told by its members, as with ``serving = any``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from fleet.availability.communes import commune_timeline
from fleet.availability.figures import CommuneFigures, Share, commune_figures
from fleet.availability.timeline import Timeline
from fleet.facts.intervals import Intervals, normal
from fleet.facts.model import Membership
from fleet.facts.months import Window
from fleet.facts.settings import ContractSettings, Serving
from fleet.facts.states import Cause, CommuneState

LESS = (CommuneState.LOST, CommuneState.UNKNOWN, CommuneState.EXCLUDED, CommuneState.NOT_COVERED)
"""What takes from SERVED, in the order in which roundings fall."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How many sensors of a commune exactly these gateways hear; frozen at the month's start."""

    insee: str
    euis: tuple[str, ...]
    sensors: int

    def __post_init__(self) -> None:
        if not self.euis or self.sensors < 1:
            raise ValueError("coverage: at least one gateway and one sensor")


def sensor_figures(
    coverages: Iterable[Coverage],
    lines: Mapping[str, Timeline],
    by_members: Mapping[str, CommuneFigures],
    window: Window,
    settings: ContractSettings,
    *,
    allowed: Mapping[str, Intervals],
) -> dict[str, CommuneFigures]:
    """Return the figures of every commune, by its sensors where some are known."""
    groups: dict[str, list[Coverage]] = {}
    for one in coverages:
        groups.setdefault(one.insee, []).append(one)
    return {
        insee: by_sensors(groups[insee], lines, window, settings, allowed.get(insee, ()))
        if insee in groups
        else figures
        for insee, figures in by_members.items()
    }


def by_sensors(
    coverages: Sequence[Coverage],
    lines: Mapping[str, Timeline],
    window: Window,
    settings: ContractSettings,
    allowed: Intervals = (),
) -> CommuneFigures:
    """Return the figures of one commune, the mean over its sensors."""
    any_of_them = replace(settings, serving=Serving.ANY)
    insee = coverages[0].insee
    all_ = sum(one.sensors for one in coverages)
    times = dict.fromkeys(LESS, 0)
    causes: dict[tuple[Cause, str], int] = {}
    lost, below_two = [], 0
    for one in coverages:
        line = commune_timeline(insee, _members(one, window), lines, window, any_of_them, allowed=allowed)
        figures = commune_figures(line, any_of_them)
        for state in LESS:
            times[state] += figures.by_state_us[state] * one.sensors
        for key, length_us in figures.lost_by_us.items():
            causes[key] = causes.get(key, 0) + length_us * one.sensors
        below_two += figures.below_two_us * one.sensors
        lost += [(span.start_us, span.end_us) for span in line.exceptions if span.state is CommuneState.LOST]
    by_state = dict(zip(LESS, _divided(list(times.values()), all_), strict=True))
    by_state[CommuneState.SERVED] = window.length_us - sum(by_state.values())
    keys = sorted(causes)
    charged = sum(by_state[state] for state in CommuneState if settings.charges(state))
    return CommuneFigures(
        insee=insee,
        length_us=window.length_us,
        by_state_us={state: by_state[state] for state in CommuneState},
        lost_by_us=dict(zip(keys, _divided([causes[key] for key in keys], all_), strict=True)),
        below_two_us=-(-below_two // all_),
        share=Share(served=by_state[CommuneState.SERVED], charged=charged),
        outages=len(normal(lost)),
    )


def _divided(times: Sequence[int], by: int) -> list[int]:
    """Return each time divided, rounded so that the sum is the sum divided and rounded up.

    >>> _divided([1, 1, 0], 2), _divided([3, 3], 2)
    ([1, 0, 0], [2, 1])
    """
    parts, before, running = [], 0, 0
    for one in times:
        running += one
        bound = -(-running // by)
        parts.append(bound - before)
        before = bound
    return parts


def _members(coverage: Coverage, window: Window) -> list[Membership]:
    return [
        Membership(
            id=f"{coverage.insee}/{eui}",
            commune_insee=coverage.insee,
            eui=eui,
            valid_from_us=window.start_us,
            approved_by="sketches",
            recorded_at_us=window.start_us,
        )
        for eui in coverage.euis
    ]
