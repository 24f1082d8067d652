"""``GET /api/v1/availability``: a month by commune, gateway, EPCI, département, and as a whole."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from fleet.api.pages import answer
from fleet.availability.figures import CommuneFigures, Share, percent, whole
from fleet.availability.months import month_of
from fleet.availability.settings import DEFAULTS, ContractSettings
from fleet.evidence.month import Month, compute_month
from fleet.identity.access import viewer
from fleet.registry.store import load_gateways

router = APIRouter(prefix="/api/v1", dependencies=[Depends(viewer)], tags=["availability"])
PERCENT_DIGITS = 4


class By(StrEnum):
    """How the rows are grouped."""

    WHOLE = "whole"
    COMMUNE = "commune"
    EPCI = "epci"
    DEPARTEMENT = "departement"
    GATEWAY = "gateway"


@router.get("/availability")
def show_availability(
    request: Request,
    month: Annotated[str, Query(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", examples=["2026-11"])] = "",
    by: By = By.COMMUNE,
) -> Response:
    """Return availability of a month (the present one by default), computed from the evidence."""
    now_us = request.app.state.clock.now_us()
    with request.app.state.database.read() as connection:
        found = compute_month(connection, month or month_of(now_us), DEFAULTS, now_us)
        names = {one.eui: one.name for one in load_gateways(connection)} if by is By.GATEWAY else {}
    return answer(request, availability_of(found, by, names, DEFAULTS))


def availability_of(
    month: Month, by: By, gateway_names: dict[str, str], settings: ContractSettings
) -> dict[str, Any]:
    """Return the figures of a month as one document; percentages are truncated, verdicts exact."""
    return {
        "month": month.month,
        "from_us": month.window.start_us,
        "until_us": month.window.end_us,
        "provisional": month.provisional,
        "objective_global_ppm": settings.objective_global_ppm,
        "objective_commune_ppm": settings.objective_commune_ppm,
        "weight": settings.weight,
        "whole": _share(month.whole, settings.objective_global_ppm),
        "mean_of_gateways_percent": percent(month.mean_of_gateways, PERCENT_DIGITS) or None,
        "by": by,
        "items": _items(month, by, gateway_names, settings),
    }


def _items(month: Month, by: By, names: dict[str, str], settings: ContractSettings) -> list[dict[str, Any]]:
    match by:
        case By.WHOLE:
            return []
        case By.GATEWAY:
            return [
                {"eui": eui, "name": names.get(eui, ""), "outages": one.outages}
                | {"by_state_us": one.by_state_us, "mtbf_us": one.mtbf_us, "mttr_us": one.mttr_us}
                | _share(one.share, None)
                for eui, one in sorted(month.gateway_figures.items())
            ]
        case By.COMMUNE:
            return [_commune(month, insee, settings) for insee in sorted(month.commune_figures)]
        case By.EPCI | By.DEPARTEMENT:
            return _grouped(month, by, settings)


def _commune(month: Month, insee: str, settings: ContractSettings) -> dict[str, Any]:
    figures, commune = month.commune_figures[insee], month.registry[insee]
    bearing = month.budget_of(insee, settings)
    return {
        "insee": insee,
        "name": commune.name,
        "epci": commune.epci,
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


def _grouped(month: Month, by: By, settings: ContractSettings) -> list[dict[str, Any]]:
    groups: dict[str, list[CommuneFigures]] = {}
    for insee, figures in month.commune_figures.items():
        commune = month.registry[insee]
        groups.setdefault(commune.epci if by is By.EPCI else commune.departement, []).append(figures)
    return [
        {"name": name, "communes": len(members)}
        | _share(_whole(members, month), settings.objective_global_ppm)
        for name, members in sorted(groups.items())
    ]


def _whole(members: Iterable[CommuneFigures], month: Month) -> Share:
    return whole(members, month.weights)


def _share(share: Share, objective_ppm: int | None) -> dict[str, Any]:
    told = {
        "served": share.served,
        "charged": share.charged,
        "availability_percent": percent(share.ratio, PERCENT_DIGITS) or None,
    }
    return told if objective_ppm is None else told | {"met": share.meets(objective_ppm)}
