"""``GET /api/v1/availability``: a month by commune, gateway, EPCI, département, and as a whole."""

from enum import StrEnum
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from fleet.api.examples import AVAILABILITY, NOT_MODIFIED, REFUSALS, shown
from fleet.api.pages import Month, answer
from fleet.availability.figures import Share, percent
from fleet.availability.month_store import load_month
from fleet.availability.months import month_of
from fleet.availability.reckoning import CommuneCard, MonthInput, MonthResult, group, reckon
from fleet.availability.settings import DEFAULTS, ContractSettings
from fleet.identity.access import viewer
from fleet.registry.store import load_gateways

router = APIRouter(
    prefix="/api/v1",
    dependencies=[Depends(viewer)],
    tags=["availability"],
    responses=REFUSALS | NOT_MODIFIED,
)
PERCENT_DIGITS = 4


class By(StrEnum):
    """How the rows are grouped."""

    WHOLE = "whole"
    COMMUNE = "commune"
    EPCI = "epci"
    DEPARTEMENT = "departement"
    GATEWAY = "gateway"


@router.get("/availability", responses={200: shown("One month.", AVAILABILITY)})
def show_availability(
    request: Request,
    month: Month = "",
    by: By = By.COMMUNE,
) -> Response:
    """Return availability of a month (the present one by default), computed from the evidence."""
    now_us = request.app.state.clock.now_us()
    with request.app.state.database.read() as connection:
        given = load_month(connection, month or month_of(now_us), DEFAULTS, now_us)
        names = {one.eui: one.name for one in load_gateways(connection)} if by is By.GATEWAY else {}
    return answer(request, availability_of(given, by, names))


def availability_of(given: MonthInput, by: By, gateway_names: dict[str, str]) -> dict[str, Any]:
    """Return the figures of a month as one document; percentages are truncated, verdicts exact."""
    found, settings = reckon(given), given.settings
    return {
        "month": found.month,
        "from_us": found.window.start_us,
        "until_us": found.window.end_us,
        "provisional": found.provisional,
        "objective_global_ppm": settings.objective_global_ppm,
        "objective_commune_ppm": settings.objective_commune_ppm,
        "weight": settings.weight,
        "whole": _share(found.share, settings.objective_global_ppm)
        | {"budget_us": found.budget.whole, "budget_left_us": found.budget.left},
        "mean_of_gateways_percent": percent(found.mean_of_gateways, PERCENT_DIGITS) or None,
        "by": by,
        "items": _items(given, found, by, gateway_names),
    }


def _items(given: MonthInput, found: MonthResult, by: By, names: dict[str, str]) -> list[dict[str, Any]]:
    match by:
        case By.WHOLE:
            return []
        case By.GATEWAY:
            return [
                {"eui": eui, "name": names.get(eui, ""), "outages": one.outages}
                | {"by_state_us": one.by_state_us, "mtbf_us": one.mtbf_us, "mttr_us": one.mttr_us}
                | _share(one.share, None)
                for eui, one in sorted(found.gateway_figures.items())
            ]
        case By.COMMUNE:
            return [_commune(card, found, given.settings) for card in given.communes]
        case By.EPCI | By.DEPARTEMENT:
            groups = group(found, given.communes, given.weights, by.value)
            return [
                {"name": name} | _share(share, given.settings.objective_global_ppm)
                for name, share in groups.items()
            ]


def _commune(card: CommuneCard, found: MonthResult, settings: ContractSettings) -> dict[str, Any]:
    figures, bearing = found.commune_figures[card.insee], found.budgets[card.insee]
    return {
        "insee": card.insee,
        "name": card.name,
        "epci": card.epci,
        "departement": card.departement,
        "outages": figures.outages,
        "by_state_us": figures.by_state_us,
        "below_two_us": figures.below_two_us,
        "budget_us": bearing.whole,
        "budget_left_us": bearing.left,
        "lost_by_us": [
            {"cause": cause, "responsible": who, "lost_us": lost}
            for (cause, who), lost in sorted(figures.lost_by_us.items())
        ],
    } | _share(figures.share, settings.objective_commune_ppm)


def _share(share: Share, objective_ppm: int | None) -> dict[str, Any]:
    told = {
        "served": share.served,
        "charged": share.charged,
        "availability_percent": percent(share.ratio, PERCENT_DIGITS) or None,
    }
    return told if objective_ppm is None else told | {"met": share.meets(objective_ppm)}
