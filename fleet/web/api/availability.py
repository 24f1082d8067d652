"""``GET /api/v1/availability``: a month by commune, gateway, EPCI, département, and as a whole."""

from dataclasses import replace
from enum import StrEnum
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from fleet.availability.burn import BurnRate
from fleet.availability.figures import PERCENT_DIGITS, Share, percent
from fleet.availability.indicators import Indicators, by_serving, of_commune, of_groups, of_whole
from fleet.availability.reckoning import CommuneCard, MonthInput, MonthResult
from fleet.availability.standing import judged, month_standing
from fleet.facts.months import month_of
from fleet.facts.settings import Serving
from fleet.facts.states import Cause
from fleet.registry.store import load_gateways
from fleet.web.access import viewer
from fleet.web.api.examples import AVAILABILITY, NOT_MODIFIED, REFUSALS, shown
from fleet.web.api.paging import PAGE_LIMIT, After, Limit, Month, answer, page_of
from fleet.web.month_views import MonthView
from fleet.web.process_parts import Shared

router = APIRouter(
    prefix="/api/v1",
    dependencies=[Depends(viewer)],
    tags=["availability"],
    responses=REFUSALS | NOT_MODIFIED,
)
KEYS = {"commune": "insee", "gateway": "eui", "epci": "name", "departement": "name", "whole": "name"}
"""Field by which the rows of each grouping are ordered, and which ``after`` means."""


class By(StrEnum):
    """How the rows are grouped."""

    WHOLE = "whole"
    COMMUNE = "commune"
    EPCI = "epci"
    DEPARTEMENT = "departement"
    GATEWAY = "gateway"


@router.get("/availability", responses={200: shown("One month.", AVAILABILITY)})
def show_availability(  # noqa: PLR0917 FastAPI passes by name
    request: Request,
    parts: Shared,
    month: Month = "",
    by: By = By.COMMUNE,
    limit: Limit = PAGE_LIMIT,
    after: After = "",
) -> Response:
    """Return every figure of a month: its newest closed version, else as it is known now."""
    view = parts.month_view(month or month_of(parts.clock.now_us()))
    names = {}
    if by is By.GATEWAY:
        with parts.database.read() as connection:
            names = {one.eui: one.name for one in load_gateways(connection)}
    body = availability_of(view, by, names, inside=None if parts.reach is None else parts.reach.insees)
    rows = body["items"]
    chosen, following = page_of(rows, [row[KEYS[by]] for row in rows], limit=limit, after=after)
    return answer(request, body | {"items": chosen, "next": following})


def availability_of(
    view: MonthView, by: By, gateway_names: dict[str, str], *, inside: frozenset[str] | None = None
) -> dict[str, Any]:
    """Return the figures of a month as one document; percentages are truncated, verdicts exact.

    Rows outside ``inside`` are left out, the whole stays the whole.
    """
    given, found, settings = view.given, view.result, view.given.settings
    return {
        "month": found.month,
        "from_us": found.window.start_us,
        "until_us": found.window.end_us,
        "provisional": found.provisional,
        "closed_version": view.version,
        "hash": view.digest,
        "objective_global_ppm": settings.objective_global_ppm,
        "objective_commune_ppm": settings.objective_commune_ppm,
        "serving": settings.serving,
        "weight": settings.weight,
        "standing": month_standing(found, given.weights, settings).standing,
        "whole": _indicators(of_whole(given, found), found),
        "by_serving": {
            serving: None if serving is Serving.SENSORS and not given.coverages else _share(share)
            for serving, share in by_serving(given, found).items()
        },
        "sensors": sum(one.sensors for one in given.coverages),
        "not_covered": list(found.not_covered),
        "by": by,
        "items": _items(_within(given, inside), found, by, gateway_names, _members(given, inside)),
    }


def _within(given: MonthInput, inside: frozenset[str] | None) -> MonthInput:
    """Return the month with the communes that the asker sees; figures stay as they are."""
    if inside is None:
        return given
    return replace(given, communes=tuple(one for one in given.communes if one.insee in inside))


def _members(given: MonthInput, inside: frozenset[str] | None) -> set[str] | None:
    if inside is None:
        return None
    return {one.eui for one in given.facts.memberships if one.commune_insee in inside}


def _items(
    given: MonthInput, found: MonthResult, by: By, names: dict[str, str], euis: set[str] | None
) -> list[dict[str, Any]]:
    match by:
        case By.WHOLE:
            return []
        case By.GATEWAY:
            return [
                {"eui": eui, "name": names.get(eui, ""), "outages": one.outages}
                | {"by_state_us": one.by_state_us, "mtbf_us": one.mtbf_us, "mttr_us": one.mttr_us}
                | _share(one.share)
                for eui, one in sorted(found.gateway_figures.items())
                if euis is None or eui in euis
            ]
        case By.COMMUNE:
            return [_commune(card, given, found) for card in given.communes]
        case By.EPCI | By.DEPARTEMENT:
            return [{"name": one.name} | _indicators(one, found) for one in of_groups(given, found, by.value)]


def _commune(card: CommuneCard, given: MonthInput, found: MonthResult) -> dict[str, Any]:
    figures = found.commune_figures[card.insee]
    view = {
        "insee": card.insee,
        "name": card.name,
        "epci": card.epci,
        "departement": card.departement,
        "commune_outages": figures.outages,
        "by_state_us": figures.by_state_us,
        "below_two_us": figures.below_two_us,
        "below_two_domains_us": found.below_two_domains.get(card.insee, {}),
    }
    return view | _indicators(of_commune(given, found, card.insee), found)


def _indicators(one: Indicators, found: MonthResult) -> dict[str, Any]:
    at_us = found.window.end_us if found.provisional else None
    standing, why = judged(one.share, one.budget, one.objective_ppm, gone_at_us=one.breach_at_us, at_us=at_us)
    return _share(one.share) | {
        "met": one.share.meets(one.objective_ppm),
        "standing": standing,
        "why": why,
        "objective_ppm": one.objective_ppm,
        "communes": one.communes,
        "covered": one.covered,
        "below_objective": one.below_objective,
        "deferred": _share(one.deferred),
        "budget_us": one.budget.whole,
        "budget_left_us": one.budget.left,
        "breach_at_us": one.breach_at_us,
        "burn": [_burn(rate) for rate in one.burn],
        "gateways": one.gateways,
        "mean_of_gateways_percent": percent(one.mean_of_gateways, PERCENT_DIGITS) or None,
        "outages": one.outages,
        "mtbf_us": one.mtbf_us,
        "mttr_us": one.mttr_us,
        "below_two_percent": percent(one.below_two, PERCENT_DIGITS) or None,
        "below_two_domains_percent": {
            kind: percent(share, PERCENT_DIGITS) for kind, share in one.below_two_domains.items()
        },
        "lost_by_us": _lost(one.lost_by),
    }


def _burn(rate: BurnRate) -> dict[str, Any]:
    """Return one pair of windows; rates are multiples of the speed that uses the budget up in a month."""
    return {
        "long_us": rate.long_us,
        "short_us": rate.short_us,
        "factor": f"{float(rate.factor):.3f}",
        "long": f"{float(rate.long):.3f}",
        "short": f"{float(rate.short):.3f}",
        "alerts": rate.alerts,
    }


def _lost(lost: dict[tuple[Cause, str], int]) -> list[dict[str, Any]]:
    return [
        {"cause": cause, "responsible": who, "lost_us": length}
        for (cause, who), length in sorted(lost.items())
    ]


def _share(share: Share) -> dict[str, Any]:
    return {
        "served": share.served,
        "charged": share.charged,
        "availability_percent": percent(share.ratio, PERCENT_DIGITS) or None,
    }
