"""The style guide: every component with every state, to look at and to print."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from fleet.durations import HOUR_US
from fleet.facts.states import CommuneState, GatewayState
from fleet.web.views.clocks import Countdown, level_of
from fleet.web.views.timeline import Span, timeline_of
from fleet.web.visit import Viewing

router = APIRouter()


@router.get("/guide", response_class=HTMLResponse)
def page(visit: Viewing) -> HTMLResponse:
    """Show the components."""
    now_us = visit.now_us
    shown = [
        Countdown(
            due_at_us=now_us + left_us,
            total_us=4 * HOUR_US,
            left_us=left_us,
            running=True,
            level=level_of(left_us, 4 * HOUR_US),
            words="",
        )
        for left_us in (2 * HOUR_US + HOUR_US // 4, HOUR_US * 9 // 10, HOUR_US // 3, -HOUR_US // 5)
    ]
    states = list(GatewayState)
    spans = [
        Span(from_us=now_us - (24 - 4 * i) * HOUR_US, until_us=now_us - (21 - 4 * i) * HOUR_US, state=state)
        for i, state in enumerate(states)
    ]
    line = timeline_of(spans, now_us - 24 * HOUR_US, now_us, lang=visit.lang)
    with visit.database.read() as connection:
        return visit.page(
            "pages/guide.html",
            connection,
            gateway_states=states,
            commune_states=list(CommuneState),
            countdowns=shown,
            line=line,
        )
