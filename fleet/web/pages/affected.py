"""What an incident hits: its gateways and its communes, each with filter, order and export."""

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Connection

from fleet.registry.store import load_communes
from fleet.tickets.store import NoSuchTicket
from fleet.web import incident_views as incidents
from fleet.web.incident_views import TicketPage
from fleet.web.pages.listing import Table, answer, chips, filters_of
from fleet.web.pages.network import commune_table
from fleet.web.pages.ticket_lists import words_of_ticket
from fleet.web.views import affected
from fleet.web.views.clocks import intervention_of
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
        table = Table(
            template="pages/affected_gateways.html",
            filename=f"ticket-{ticket_id}-passerelles",
            columns=affected.columns(),
            export_columns=affected.export_columns,
            order="part",
        )
        return answer(
            visit,
            connection,
            table,
            affected.filtered(rows, *filters_of(visit)),
            ticket=found.shown.ticket,
            told=words_of_ticket(visit, connection, found.shown.ticket),
            intervention=intervention_of(found.shown),
            **chips(visit, [row.part for row in rows], list(affected.Part)),
        )


@router.get("/tickets/{ticket_id}/communes", response_class=HTMLResponse)
def communes_of(ticket_id: int, visit: Viewing) -> Response:
    """Show the communes of an incident, those that nobody serves first."""
    with visit.database.read() as connection:
        found = _page_of(visit, connection, ticket_id)
        assert found.incident is not None
        hit = set(found.incident.communes)
        registered = [one for one in load_communes(connection) if one.insee in hit]
        filename = f"ticket-{ticket_id}-communes"
        return commune_table(visit, connection, registered, filename, about=found.shown.ticket)
