"""Every indicator of a set of communes: the whole, an EPCI, a département, one commune; pure.

Burn rates and the breach ETA look from the present instant, so a month that is over has none.
Sources: AVAILABILITY §3 (redundancy), §6 (figures beside the contract's), §7 (budget, burn, ETA).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from fleet.availability.burn import Budget, BurnRate, breach_at_us, budget, burn_rates, share_lost
from fleet.availability.communes import CommuneTimeline
from fleet.availability.figures import CommuneFigures, GatewayFigures, Share, lost_by, mean_of_gateways, whole
from fleet.availability.reckoning import (
    DOMAINS,
    CommuneCard,
    MonthInput,
    MonthResult,
    from_timelines,
    whole_budget,
)
from fleet.facts.months import month_window, next_month
from fleet.facts.settings import ContractSettings, Serving
from fleet.facts.states import Cause, CommuneState, GatewayState


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicators:
    """One set of communes over a month as far as it is told."""

    name: str
    objective_ppm: int
    communes: int
    covered: int
    below_objective: int
    """Communes that miss the promise made to each."""
    share: Share
    deferred: Share
    budget: Budget
    burn: tuple[BurnRate, ...]
    breach_at_us: int | None
    gateways: int
    mean_of_gateways: Fraction | None
    outages: int
    """How many outages its gateways had, all together."""
    mtbf_us: int | None
    mttr_us: int | None
    below_two: Fraction | None
    """Share of weighted time with fewer than two gateways serving a commune."""
    below_two_domains: dict[str, Fraction]
    """The same, where gateways behind one operator, feeder or firmware wave are one."""
    lost_by: dict[tuple[Cause, str], int]
    """Lost time of its communes, not weighted."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What is promised to some communes together."""

    insees: Sequence[str]
    objective_ppm: int
    budget: Budget


def of_whole(given: MonthInput, result: MonthResult) -> Indicators:
    """Return the indicators of the whole network, with the gateways that serve no commune."""
    made = indicators(given, result, list(result.commune_figures), name="")
    gateways = result.gateway_figures.values()
    outages, mtbf_us, mttr_us = repair_times(gateways)
    return replace(
        made,
        gateways=len(gateways),
        mean_of_gateways=result.mean_of_gateways,
        outages=outages,
        mtbf_us=mtbf_us,
        mttr_us=mttr_us,
    )


def by_serving(given: MonthInput, result: MonthResult) -> dict[Serving, Share]:
    """Return the global figure by each of the three readings of §3; one of them is the contractual one."""
    found = {}
    for serving in Serving:
        reckoned = replace(given, settings=replace(given.settings, serving=serving))
        same = serving is given.settings.serving
        found[serving] = result.share if same else from_timelines(reckoned, result.lines).share
    return found


def of_groups(given: MonthInput, result: MonthResult, key: str) -> tuple[Indicators, ...]:
    """Return the indicators of each EPCI or département (``key`` names the field of the card), by name."""
    groups: dict[str, list[str]] = {}
    for card in given.communes:
        groups.setdefault(_field(card, key), []).append(card.insee)
    return tuple(indicators(given, result, groups[name], name=name) for name in sorted(groups))


def of_commune(given: MonthInput, result: MonthResult, insee: str) -> Indicators:
    """Return the indicators of one commune, by the promise made to each commune."""
    made = indicators(given, result, [insee], name=insee, weights={insee: 1})
    objective = given.settings.objective_commune_ppm
    budget_ = result.budgets[insee]
    burn, breach = _present(given, result, {insee: 1}, Promise([insee], objective, budget_))
    return replace(made, objective_ppm=objective, budget=budget_, burn=burn, breach_at_us=breach)


def indicators(
    given: MonthInput,
    result: MonthResult,
    insees: Sequence[str],
    *,
    name: str,
    weights: Mapping[str, int] | None = None,
) -> Indicators:
    """Return the indicators of some communes by the promise made for the whole."""
    settings = given.settings
    weights = given.weights if weights is None else weights
    figures = [result.commune_figures[insee] for insee in insees]
    inside = set(insees)
    euis = {one.eui for one in given.facts.memberships if one.commune_insee in inside}
    gateways = [result.gateway_figures[eui] for eui in sorted(euis & result.gateway_figures.keys())]
    budget_ = whole_budget(given.month, figures, weights, settings)
    burn, breach = _present(given, result, weights, Promise(insees, settings.objective_global_ppm, budget_))
    outages, mtbf_us, mttr_us = repair_times(gateways)
    return Indicators(
        name=name,
        objective_ppm=settings.objective_global_ppm,
        communes=len(figures),
        covered=sum(one.share.counted > 0 for one in figures),
        below_objective=sum(one.share.meets(settings.objective_commune_ppm) is False for one in figures),
        share=whole(figures, weights),
        deferred=whole([result.deferred_figures[insee] for insee in insees], weights),
        budget=budget_,
        burn=burn,
        breach_at_us=breach,
        gateways=len(gateways),
        mean_of_gateways=mean_of_gateways(gateways),
        outages=outages,
        mtbf_us=mtbf_us,
        mttr_us=mttr_us,
        below_two=_weighted(((one, one.below_two_us) for one in figures), weights),
        below_two_domains=_domains(result, figures, weights),
        lost_by=lost_by(figures, dict.fromkeys(insees, 1)),
    )


def repair_times(gateways: Iterable[GatewayFigures]) -> tuple[int, int | None, int | None]:
    """Return outages, mean time between and mean time to repair of a set of gateways.

    >>> repair_times([])
    (0, None, None)
    """
    serving = lost = outages = 0
    for one in gateways:
        serving += one.by_state_us[GatewayState.SERVING]
        lost += one.by_state_us[GatewayState.BUFFERING] + one.by_state_us[GatewayState.DOWN]
        outages += one.outages
    return (outages, serving // outages, lost // outages) if outages else (0, None, None)


def _present(
    given: MonthInput, result: MonthResult, weights: Mapping[str, int], promise: Promise
) -> tuple[tuple[BurnRate, ...], int | None]:
    """Return burn rates and breach ETA as of the end of a month that is not over."""
    if not result.provisional or not result.window.length_us:
        return (), None
    now_us, settings = result.window.end_us, given.settings
    lines = [result.communes[insee] for insee in promise.insees]
    burn = burn_rates(lines, weights, promise.objective_ppm, settings, now_us)
    following_us = month_window(next_month(given.month)).length_us
    lost = share_lost([(line.insee, state_at_end(line, settings)) for line in lines], weights)
    next_whole = budget(following_us, 0, 0, promise.objective_ppm).whole
    return burn, breach_at_us(promise.budget.left, next_whole, lost, now_us)


def state_at_end(line: CommuneTimeline, settings: ContractSettings) -> CommuneState:
    """Return the state at the end of the line; UNKNOWN that is charged burns as LOST does."""
    last = line.exceptions[-1] if line.exceptions else None
    if last is None or last.end_us < line.end_us:
        return CommuneState.SERVED
    return CommuneState.LOST if settings.charges(last.state) else last.state


def _domains(
    result: MonthResult, figures: Sequence[CommuneFigures], weights: Mapping[str, int]
) -> dict[str, Fraction]:
    below_two = result.below_two_domains
    shares = {
        kind: _weighted(
            ((one, below_two.get(one.insee, {}).get(kind, one.length_us)) for one in figures), weights
        )
        for kind in DOMAINS
    }
    return {kind: share for kind, share in shares.items() if below_two and share is not None}


def _weighted(times: Iterable[tuple[CommuneFigures, int]], weights: Mapping[str, int]) -> Fraction | None:
    """Return a weighted mean share of the window; communes without a member do not count."""
    part = all_ = 0
    for one, length_us in times:
        if one.share.counted or one.by_state_us[CommuneState.EXCLUDED]:
            part += weights.get(one.insee, 0) * length_us
            all_ += weights.get(one.insee, 0) * one.length_us
    return Fraction(part, all_) if all_ else None


def _field(card: CommuneCard, key: str) -> str:
    value: str = getattr(card, key)
    return value
