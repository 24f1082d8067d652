"""The overview: does the contract hold, and where to look if not."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from fleet.tickets import store as tickets
from fleet.web.pages.ticket_words import lines_of
from fleet.web.views import communes, overview
from fleet.web.visit import Viewing

router = APIRouter()


@router.get("/", response_class=HTMLResponse)
def show(visit: Viewing) -> HTMLResponse:
    """Show the whole network at a glance."""
    with visit.database.read() as connection:
        past = visit.past
        frame = visit.frame(connection)
        rows = communes.rows_now(visit.network, past)
        breaches = communes.next_breaches(rows)
        return visit.page(
            "pages/overview.html",
            connection,
            verdict=overview.verdict_of(visit.words, frame, visit.network, breaches),
            tickets=lines_of(visit, connection, tickets.open_tickets(connection, visit.now_us)),
            breaches=breaches[: overview.LISTED_LIMIT],
            changes=overview.changes_of(visit.words, past, visit.network, visit.now_us),
        )
