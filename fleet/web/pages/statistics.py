"""How the contract's clocks were kept, month by month, with the list of misses."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from fleet.durations import DAY_US
from fleet.lang.format import month_bounds
from fleet.tickets import joining
from fleet.tickets.statistics import statistics
from fleet.web.visit import Viewing

router = APIRouter()
HALF_MONTH_US = 15 * DAY_US


@router.get("/statistiques", response_class=HTMLResponse)
def page(visit: Viewing, a: int | None = None) -> HTMLResponse:
    """Show the Paris month around an instant; at present without one."""
    at_us = visit.now_us if a is None else min(max(a, 0), visit.now_us)
    begin, end = month_bounds(at_us)
    with visit.database.read() as connection:
        found = statistics(joining.between(connection, begin, end), visit.now_us)
        return visit.page(
            "pages/statistics.html",
            connection,
            found=found,
            begin_us=begin,
            before_us=begin - HALF_MONTH_US,
            after_us=end + HALF_MONTH_US if end < visit.now_us else None,
        )
