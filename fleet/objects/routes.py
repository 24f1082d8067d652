"""``GET /api/v1/connectivity``: who was heard, of the members' objects and of all addresses."""

from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from fleet.api.examples import CONNECTIVITY, NOT_MODIFIED, REFUSALS, shown
from fleet.api.pages import Month, answer
from fleet.availability.figures import PERCENT_DIGITS, percent
from fleet.availability.months import month_of
from fleet.identity.access import viewer
from fleet.objects.connectivity import DAILY_PPM, FORTNIGHT_PPM, Connectivity
from fleet.objects.counting import month_connectivity

router = APIRouter(
    prefix="/api/v1",
    dependencies=[Depends(viewer)],
    tags=["objects"],
    responses=REFUSALS | NOT_MODIFIED,
)


@router.get("/connectivity", responses={200: shown("One month.", CONNECTIVITY)})
def show_connectivity(request: Request, month: Month = "") -> Response:
    """Return the connectivity of a month (the present one by default), day by day."""
    now_us = request.app.state.clock.now_us()
    told = month or month_of(now_us)
    with request.app.state.database.read() as connection:
        found = month_connectivity(connection, told, now_us)
    return answer(request, connectivity_of(told, found))


def connectivity_of(month: str, found: Connectivity) -> dict[str, Any]:
    """Return the connectivity of a month as one document; ``null``: « non vérifiable »."""
    return {
        "month": month,
        "objects": found.objects,
        "days_counted": found.days_counted,
        "daily_percent": percent(found.daily, PERCENT_DIGITS) or None,
        "daily_objective_ppm": DAILY_PPM,
        "daily_met": found.daily_met,
        "fortnight_percent": percent(found.fortnight, PERCENT_DIGITS) or None,
        "fortnight_objective_ppm": FORTNIGHT_PPM,
        "fortnight_met": found.fortnight_met,
        "redundant_percent": percent(found.redundant, PERCENT_DIGITS) or None,
        "addresses_mean": found.addresses_mean,
        "days": [
            {
                "day": one.day,
                "verifiable": one.verifiable,
                "objects": one.objects,
                "heard": one.heard,
                "heard_fortnight": one.heard_fortnight,
                "addresses": one.addresses,
                "addresses_redundant": one.addresses_redundant,
                "addresses_by_gateways": one.addresses_by_gateways,
            }
            for one in found.days
        ],
    }
