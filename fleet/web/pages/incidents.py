"""The list of tickets, the most urgent first."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from fleet.tickets import store as tickets
from fleet.web.pages import listing
from fleet.web.pages.ticket_words import lines_of
from fleet.web.views.tables import csv_text
from fleet.web.views.tickets import columns, export_columns
from fleet.web.visit import Viewing

router = APIRouter()


@router.get("/incidents", response_class=HTMLResponse)
def table(visit: Viewing, tous: bool = False) -> Response:
    """Show open tickets, or all."""
    with visit.database.read() as connection:
        load = tickets.recent if tous else tickets.open_tickets
        lines = lines_of(visit, connection, load(connection, visit.now_us))
        shown = listing.listing_of(visit, lines, columns(), "-id" if tous else "intervention")
        if shown.wants_csv:
            return visit.csv("tickets", csv_text(visit.lang, export_columns(visit.words), shown.rows))
        return visit.page(
            "pages/incidents.html",
            connection,
            rows=shown.rows,
            heads=shown.heads,
            export=shown.export,
            listing=shown,
            all=tous,
        )
