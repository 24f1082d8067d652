"""Which objects were heard, day by day, and by how many gateways."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from fleet.lang.format import paris
from fleet.objects.counting import month_connectivity
from fleet.web.visit import Viewing

router = APIRouter()


@router.get("/objets", response_class=HTMLResponse)
def page(
    visit: Viewing, mois: Annotated[str, Query(pattern=r"^(\d{4}-(0[1-9]|1[0-2]))?$")] = ""
) -> HTMLResponse:
    """Show one month; the present one by default."""
    month = mois or f"{paris(visit.now_us):%Y-%m}"
    with visit.database.read() as connection:
        found = month_connectivity(connection, month, visit.now_us)
        return visit.page("pages/connectivity.html", connection, month=month, found=found)
