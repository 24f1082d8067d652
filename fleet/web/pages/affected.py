"""What an incident hits: its gateways and its communes, each with filter, order and export."""

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Connection

from fleet.registry.store import load_communes
from fleet.tickets.store import NoSuchTicket
from fleet.web import incident_views as incidents
from fleet.web.incident_views import TicketPage
from fleet.web.pages import listing
from fleet.web.pages.ticket_lists import words_of_ticket
from fleet.web.views import affected, communes
from fleet.web.views.clocks import intervention_of
from fleet.web.views.tables import csv_text
from fleet.web.visit import Viewing, Visit

router = APIRouter()


def _page_of(visit: Visit, connection: Connection, ticket_id: int) -> TicketPage:
    try:
        found = incidents.ticket_page(connection, ticket_id, visit.now_us)
    except NoSuchTicket as error:
        raise HTTPException(404) from error
    if found.incident is None:
        raise HTTPException(404)
    return found


@router.get("/tickets/{ticket_id}/passerelles", response_class=HTMLResponse)
def gateways_of(ticket_id: int, visit: Viewing) -> Response:
    """Show the gateways of an incident, those still lost first."""
    with visit.database.read() as connection:
        found = _page_of(visit, connection, ticket_id)
        by_insee = {one.insee: one for one in load_communes(connection)}
        rows = affected.rows_of(found.members, visit.network, by_insee)
        part, text = listing.filters_of(visit)
        chosen = affected.filtered(rows, part, text)
        shown = listing.listing_of(visit, chosen, affected.columns(), "part")
        if shown.wants_csv:
            exported = affected.export_columns(visit.words)
            return visit.csv(f"ticket-{ticket_id}-passerelles", csv_text(visit.lang, exported, shown.rows))
        return visit.page(
            "pages/affected_gateways.html",
            connection,
            ticket=found.shown.ticket,
            told=words_of_ticket(visit, connection, found.shown.ticket),
            intervention=intervention_of(found.shown),
            rows=shown.rows,
            heads=shown.heads,
            export=shown.export,
            listing=shown,
            total=len(rows),
            parts_found=listing.chips_of(visit, (row.part for row in rows), list(affected.Part)),
            all_href=listing.all_href(visit),
        )


@router.get("/tickets/{ticket_id}/communes", response_class=HTMLResponse)
def communes_of(ticket_id: int, visit: Viewing) -> Response:
    """Show the communes of an incident, those that nobody serves first."""
    with visit.database.read() as connection:
        found = _page_of(visit, connection, ticket_id)
        assert found.incident is not None
        hit = set(found.incident.communes)
        registered = [one for one in load_communes(connection) if one.insee in hit]
        rows = communes.rows_of(visit.network, registered, visit.past, visit.standing)
        state, text = listing.filters_of(visit)
        chosen = communes.filtered(rows, state, text)
        shown = listing.listing_of(visit, chosen, communes.columns(), "state")
        if shown.wants_csv:
            exported = communes.export_columns(visit.words)
            return visit.csv(f"ticket-{ticket_id}-communes", csv_text(visit.lang, exported, shown.rows))
        return visit.page(
            "pages/communes.html",
            connection,
            about=found.shown.ticket,
            rows=shown.rows,
            heads=shown.heads,
            export=shown.export,
            listing=shown,
            total=len(rows),
            states_found=listing.chips_of(visit, (row.state for row in rows), list(communes.URGENCY)),
            all_href=listing.all_href(visit),
        )
