"""A month of the whole network: facts, members, weights and settings in, every figure out (AVAILABILITY §6).

The same pure function serves the running fleet, ``passerelle fleet compute`` and the reports.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from fleet.availability.burn import Budget, budget
from fleet.availability.communes import CommuneTimeline, below_two_domains, commune_timeline, members_of
from fleet.availability.exclusions import without_exclusions
from fleet.availability.figures import (
    CommuneFigures,
    GatewayFigures,
    Share,
    commune_figures,
    deferred,
    gateway_figures,
    lost_by,
    mean_of_gateways,
    whole,
)
from fleet.availability.sensors import Coverage, sensor_figures
from fleet.availability.timeline import Timeline, timeline
from fleet.availability.works import allowances
from fleet.facts.intervals import Interval, Intervals, total
from fleet.facts.model import Membership, NetworkFacts, Snapshot
from fleet.facts.months import Window, month_window
from fleet.facts.settings import DEFAULTS, ContractSettings, Serving, Weight
from fleet.facts.states import Cause, CommuneState


@dataclass(frozen=True, slots=True, kw_only=True)
class CommuneCard:
    """What the figures need to know of a commune; frozen at the month's start."""

    insee: str
    name: str = ""
    epci: str = ""
    departement: str = ""
    population: int = 0
    sensors: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayCard:
    """What a gateway shares with others: the domains in which it fails."""

    eui: str
    backhaul_operator: str = ""
    power_feeder: str = ""
    wave: str = ""
    """Firmware wave."""


DOMAINS = ("backhaul_operator", "power_feeder", "wave")


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthInput:
    """Everything that a month's figures depend on."""

    month: str
    as_of_us: int
    """Up to where the month is told; a closed month is told from its closing."""
    facts: NetworkFacts
    communes: tuple[CommuneCard, ...] = ()
    gateways: tuple[GatewayCard, ...] = ()
    coverages: tuple[Coverage, ...] = ()
    """Who hears the sensors of each commune; frozen at the month's start."""
    settings: ContractSettings = field(default_factory=lambda: DEFAULTS)
    snapshots: tuple[Snapshot, ...] = ()
    """What members, weights and settings come from, oldest first; empty: from the registry as it stood when
    the month was told, so that nothing protects them."""

    @property
    def window(self) -> Window:
        """The month as far as it is told."""
        month = month_window(self.month)
        return Window(month.start_us, max(month.start_us, min(month.end_us, self.as_of_us)))

    @property
    def weights(self) -> dict[str, int]:
        """Weight of each commune, by the settings."""
        return {card.insee: weight_of(card, self.settings.weight) for card in self.communes}


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthResult:
    """A month: timelines and every figure of them."""

    month: str
    window: Window
    provisional: bool
    """The month is not over, or its evidence may still be under way (AVAILABILITY §8)."""
    lines: dict[str, Timeline]
    communes: dict[str, CommuneTimeline]
    gateway_figures: dict[str, GatewayFigures]
    commune_figures: dict[str, CommuneFigures]
    share: Share
    """The contract's global figure."""
    deferred: Share
    """The same with BUFFERING as served where delivery is proved; beside the contract's, never instead."""
    deferred_figures: dict[str, CommuneFigures]
    """What ``deferred`` is made of, by commune (INSEE)."""
    without_exclusions: Share
    """The global figure as if nothing excused a loss (``exclusions``)."""
    without_exclusions_figures: dict[str, CommuneFigures]
    """What it is made of, by commune (INSEE)."""
    mean_of_gateways: Fraction | None
    lost_by: dict[tuple[Cause, str], int]
    """Lost time times weight."""
    budgets: dict[str, Budget]
    """What each commune may lose in the whole month, by INSEE."""
    budget: Budget
    """What the whole may lose, in microseconds of the whole service (weights divided out, rounded down)."""
    below_two_domains: dict[str, dict[str, int]]
    """Time with fewer than two failure domains serving, microseconds, by commune and kind of domain."""
    not_covered: tuple[str, ...]
    """Communes without a member for the whole window; weight 0."""


def weight_of(card: CommuneCard, weight: Weight) -> int:
    """Return what a commune weighs.

    >>> weight_of(CommuneCard(insee="37015", population=3107), Weight.POPULATION)
    3107
    """
    match weight:
        case Weight.POPULATION:
            return card.population
        case Weight.SENSORS:
            return card.sensors
        case Weight.EQUAL:
            return 1


def reckon(given: MonthInput) -> MonthResult:
    """Return every figure of a month."""
    facts = given.facts
    lines = {
        eui: timeline(one, facts.blindness, given.window, given.settings, given.as_of_us)
        for eui, one in facts.gateways.items()
    }
    return from_timelines(given, lines)


def from_timelines(given: MonthInput, lines: Mapping[str, Timeline]) -> MonthResult:
    """Return the figures of a month from its gateways' timelines."""
    window, settings, weights = given.window, given.settings, given.weights
    members = members_of(given.facts.memberships)
    names = sorted({*members, *weights})
    allowed = allowed_works(given, members)
    communes = {
        insee: commune_timeline(
            insee, members.get(insee, ()), lines, window, settings, allowed=allowed.get(insee, ())
        )
        for insee in names
    }
    gateways = {eui: gateway_figures(line, settings) for eui, line in lines.items()}
    figures = _figures(given, lines, communes, allowed)
    share = whole(figures.values(), weights)
    late = _deferred_figures(given, lines, figures, allowed)
    bare = without_exclusions(figures, members, lines, given.coverages, window=window, settings=settings)
    return MonthResult(
        month=given.month,
        window=window,
        provisional=given.as_of_us < month_window(given.month).end_us,
        lines=dict(lines),
        communes=communes,
        gateway_figures=gateways,
        commune_figures=figures,
        share=share,
        deferred=whole(late.values(), weights),
        deferred_figures=late,
        without_exclusions=whole(bare.values(), weights),
        without_exclusions_figures=bare,
        mean_of_gateways=mean_of_gateways(gateways.values()),
        lost_by=lost_by(figures.values(), weights),
        budgets={insee: commune_budget(given.month, one, settings) for insee, one in figures.items()},
        budget=whole_budget(given.month, figures.values(), weights, settings),
        below_two_domains=_below_two_domains(given, members, lines),
        not_covered=tuple(insee for insee, one in figures.items() if _never_covered(one)),
    )


def allowed_works(
    given: MonthInput, members: Mapping[str, Sequence[Membership]]
) -> dict[str, list[Interval]]:
    """Return when works may exclude time of each commune that has some."""
    works = {eui: one.maintenances for eui, one in given.facts.gateways.items() if one.maintenances}
    return allowances(members, works, given.settings)


def _deferred_figures(
    given: MonthInput,
    lines: Mapping[str, Timeline],
    figures: Mapping[str, CommuneFigures],
    allowed: Mapping[str, Intervals],
) -> dict[str, CommuneFigures]:
    """Return the deferred figures; only communes of gateways that delivered late are told again."""
    facts, settings, window = given.facts, given.settings, given.window
    late = {
        eui: deferred(line, facts.gateways[eui], settings)
        for eui, line in lines.items()
        if facts.gateways[eui].delivered
    }
    delivered = {**lines, **late}
    again = dict(figures)
    for insee, members in members_of(facts.memberships).items():
        if any(one.eui in late for one in members):
            line = commune_timeline(
                insee, members, delivered, window, settings, allowed=allowed.get(insee, ())
            )
            again[insee] = commune_figures(line, settings)
    if settings.serving is Serving.SENSORS:
        return sensor_figures(given.coverages, delivered, again, window, settings, allowed=allowed)
    return again


def _figures(
    given: MonthInput,
    lines: Mapping[str, Timeline],
    communes: Mapping[str, CommuneTimeline],
    allowed: Mapping[str, Intervals],
) -> dict[str, CommuneFigures]:
    """Return the figures of each commune by the contractual one of the three (§3)."""
    settings = given.settings
    figures = {insee: commune_figures(line, settings) for insee, line in communes.items()}
    if settings.serving is not Serving.SENSORS:
        return figures
    return sensor_figures(given.coverages, lines, figures, given.window, settings, allowed=allowed)


def _below_two_domains(
    given: MonthInput, members: Mapping[str, Sequence[Membership]], lines: Mapping[str, Timeline]
) -> dict[str, dict[str, int]]:
    if not given.gateways:
        return {}
    domains = {kind: {card.eui: getattr(card, kind) for card in given.gateways} for kind in DOMAINS}
    return {
        insee: {
            kind: total(below_two_domains(group_, lines, names, given.window))
            for kind, names in domains.items()
        }
        for insee, group_ in members.items()
    }


def commune_budget(month: str, figures: CommuneFigures, settings: ContractSettings) -> Budget:
    """Return the budget of one commune for the whole month; time without a member has none."""
    month_us = month_window(month).length_us
    return budget(month_us, excluded_time(figures), figures.share.charged, settings.objective_commune_ppm)


def excluded_time(figures: CommuneFigures) -> int:
    """Return the time for which nothing is promised: works, or no member."""
    return figures.by_state_us[CommuneState.EXCLUDED] + figures.by_state_us[CommuneState.NOT_COVERED]


def whole_budget(
    month: str, figures: Iterable[CommuneFigures], weights: Mapping[str, int], settings: ContractSettings
) -> Budget:
    """Return the global budget as time of the whole service: what may be lost if everyone is lost at once."""
    month_us = month_window(month).length_us
    counted = charged = weight_sum = 0
    for one in figures:
        if _never_covered(one):
            continue
        weight = weights.get(one.insee, 0)
        counted += weight * (month_us - excluded_time(one))
        charged += weight * one.share.charged
        weight_sum += weight
    if not weight_sum:
        return Budget(whole=0, spent=0)
    allowed = (1_000_000 - settings.objective_global_ppm) * counted // (1_000_000 * weight_sum)
    return Budget(whole=allowed, spent=-(-charged // weight_sum))


def group(
    result: MonthResult, cards: Sequence[CommuneCard], weights: Mapping[str, int], key: str
) -> dict[str, Share]:
    """Return the figure of each EPCI or département (``key`` names the field)."""
    groups: dict[str, list[CommuneFigures]] = {}
    for card in cards:
        groups.setdefault(getattr(card, key), []).append(result.commune_figures[card.insee])
    return {name: whole(groups[name], weights) for name in sorted(groups)}


def _never_covered(figures: CommuneFigures) -> bool:
    return figures.by_state_us[CommuneState.NOT_COVERED] == figures.length_us
