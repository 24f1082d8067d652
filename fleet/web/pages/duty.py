"""Who is on call, now and ahead, and where the plan has holes."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from fleet.durations import DAY_US
from fleet.oncall import planning, store
from fleet.web.visit import Viewing

router = APIRouter()
SOURCES = ("override", "holiday", "span", "gap")
AHEAD_LIMIT = 40
"""Pieces of the plan that are listed."""


@router.get("/astreinte", response_class=HTMLResponse)
def page(visit: Viewing) -> HTMLResponse:
    """Show the plan."""
    now_us = visit.now_us
    until_us = now_us + planning.LOOK_AHEAD_DAYS * DAY_US
    with visit.database.read() as connection:
        people, rota = store.everybody(connection), store.rota(connection)
        duties = [one for one in planning.plan(rota, now_us, until_us) if one.person_id in people]
        return visit.page(
            "pages/duty.html",
            connection,
            on_call=store.on_call_now(connection, now_us),
            people=people,
            duties=duties[:AHEAD_LIMIT],
            holes=planning.holes(rota, now_us, until_us),
            sources=SOURCES,
        )
