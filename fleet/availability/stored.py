"""The figures that a closed version keeps, read back: what is printed of a closed month is what was stored.

``restored(given, document(given, reckoned)) == reckoned`` in everything that the document holds.  What an
older program did not store comes from the stored timelines and the facts by today's: the deferred figure of
each commune, and the figures without exclusions.
Sources: AVAILABILITY §8.
"""

from collections.abc import Mapping
from typing import Any

from fleet.availability.burn import Budget
from fleet.availability.communes import CommuneSpan, CommuneTimeline, members_of
from fleet.availability.exclusions import without_exclusions
from fleet.availability.figures import CommuneFigures, GatewayFigures, Share, mean_of_gateways, whole
from fleet.availability.reckoning import MonthInput, MonthResult, reckon
from fleet.availability.timeline import Span, Timeline
from fleet.facts.months import Window
from fleet.facts.states import Cause, CommuneState, GatewayState

Stored = Mapping[str, Any]


def is_whole(figures: Stored) -> bool:
    """Return whether ``restored`` needs no evidence: an older program stored less."""
    return all("deferred" in one and "without_exclusions" in one for one in figures["communes"])


def restored(given: MonthInput, figures: Stored) -> MonthResult:
    """Return a closed month as it was stored; ``given`` is what its facts say."""
    window = Window(figures["from_us"], figures["until_us"])
    lines = {one["eui"]: _line(one, window) for one in figures["gateways"]}
    gateways = {one["eui"]: _gateway_figures(one, window) for one in figures["gateways"]}
    communes = {one["insee"]: one for one in figures["communes"]}
    of_communes = {insee: _commune_figures(one, window) for insee, one in communes.items()}
    deferred = _deferred(given, communes, of_communes)
    bare = _without_exclusions(given, communes, of_communes, lines, window)
    return MonthResult(
        month=figures["month"],
        window=window,
        provisional=figures["provisional"],
        lines=lines,
        communes={insee: _commune_line(one, window) for insee, one in communes.items()},
        gateway_figures=gateways,
        commune_figures=of_communes,
        share=_share(figures["whole"]),
        deferred=_share(figures["deferred"]),
        deferred_figures=deferred,
        without_exclusions=whole(bare.values(), {insee: one["weight"] for insee, one in communes.items()}),
        without_exclusions_figures=bare,
        mean_of_gateways=mean_of_gateways(gateways.values()),
        lost_by=_lost(figures["lost_by"]),
        budgets={insee: _budget(one) for insee, one in communes.items()},
        budget=_budget(figures["whole"]),
        below_two_domains={
            insee: dict(one["below_two_domains_us"])
            for insee, one in communes.items()
            if one["below_two_domains_us"]
        },
        not_covered=tuple(figures["not_covered"]),
    )


def _share(stored: Stored) -> Share:
    return Share(served=stored["served"], charged=stored["charged"])


def _budget(stored: Stored) -> Budget:
    return Budget(whole=stored["budget_us"], spent=stored["budget_us"] - stored["budget_left_us"])


def _lost(stored: list[Stored]) -> dict[tuple[Cause, str], int]:
    return {(Cause(one["cause"]), one["responsible"]): one["lost"] for one in stored}


def _line(stored: Stored, window: Window) -> Timeline:
    spans = (Span(**one | _kinds(one, GatewayState)) for one in stored["exceptions"])
    return Timeline(
        eui=stored["eui"], start_us=window.start_us, end_us=window.end_us, exceptions=tuple(spans)
    )


def _commune_line(stored: Stored, window: Window) -> CommuneTimeline:
    spans = (CommuneSpan(**one | _kinds(one, CommuneState)) for one in stored["exceptions"])
    return CommuneTimeline(
        insee=stored["insee"],
        start_us=window.start_us,
        end_us=window.end_us,
        exceptions=tuple(spans),
        below_two=tuple((start_us, end_us) for start_us, end_us in stored["below_two"]),
    )


def _kinds(stored: Stored, states: type[GatewayState] | type[CommuneState]) -> dict[str, Any]:
    return {"state": states(stored["state"]), "cause": Cause(stored["cause"])}


def _gateway_figures(stored: Stored, window: Window) -> GatewayFigures:
    return GatewayFigures(
        eui=stored["eui"],
        length_us=window.length_us,
        by_state_us={GatewayState(name): us for name, us in stored["by_state_us"].items()},
        outages=stored["outages"],
        share=_share(stored),
    )


def _commune_figures(stored: Stored, window: Window) -> CommuneFigures:
    return CommuneFigures(
        insee=stored["insee"],
        length_us=window.length_us,
        by_state_us={CommuneState(name): us for name, us in stored["by_state_us"].items()},
        lost_by_us=_lost(stored["lost_by"]),
        below_two_us=stored["below_two_us"],
        share=_share(stored),
        outages=stored["outages"],
    )


def _deferred(
    given: MonthInput, stored: Mapping[str, Stored], figures: Mapping[str, CommuneFigures]
) -> dict[str, CommuneFigures]:
    """Return the deferred figures of communes: of these only the share is stored, and only it is read."""
    if any("deferred" not in one for one in stored.values()):
        return reckon(given).deferred_figures
    return {insee: _with_share(figures[insee], one["deferred"]) for insee, one in stored.items()}


def _without_exclusions(
    given: MonthInput,
    stored: Mapping[str, Stored],
    figures: Mapping[str, CommuneFigures],
    lines: Mapping[str, Timeline],
    window: Window,
) -> dict[str, CommuneFigures]:
    if any("without_exclusions" not in one for one in stored.values()):
        members = members_of(given.facts.memberships)
        coverages, settings = given.coverages, given.settings
        return without_exclusions(figures, members, lines, coverages, window=window, settings=settings)
    return {insee: _with_share(figures[insee], one["without_exclusions"]) for insee, one in stored.items()}


def _with_share(figures: CommuneFigures, stored: Stored) -> CommuneFigures:
    return CommuneFigures(
        insee=figures.insee,
        length_us=figures.length_us,
        by_state_us=figures.by_state_us,
        lost_by_us=figures.lost_by_us,
        below_two_us=figures.below_two_us,
        share=_share(stored),
        outages=figures.outages,
    )
