"""The label on a cabinet: scanning it leads to the open ticket of its site, and proves presence.

``/s/{token}``; who scans must be logged in: a photo of the label taken elsewhere opens nothing by itself.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection, select

from fleet.identity.people import Person
from fleet.incidents.tables import incident_gateways
from fleet.registry.tables import gateways, sites
from fleet.tickets import actions
from fleet.tickets import store as tickets
from fleet.tickets.model import Arrive, Ticket
from fleet.tickets.presence import site_of_token
from fleet.web.access import form_guard, technician
from fleet.web.pages.acknowledge import secret_of
from fleet.web.visit import Viewing, Visit

router = APIRouter()
Acting = Annotated[Person, Depends(technician)]
SEE_OTHER = 303


@router.get("/s/{token}", response_class=HTMLResponse, include_in_schema=False)
def show(token: str, visit: Viewing, person: Acting) -> Response:
    """Offer « sur site » for the open ticket of this site."""
    del person
    with visit.database.read() as connection:
        site_id = _site(visit, token)
        name = str(connection.execute(select(sites.c.name).where(sites.c.id == site_id)).scalar() or "")
        ticket = ticket_of_site(connection, site_id, visit.now_us)
        return visit.bare("pages/label.html", name=name, ticket=ticket)


@router.post("/s/{token}", include_in_schema=False, dependencies=[Depends(form_guard)])
def arrive(token: str, visit: Viewing, person: Acting) -> Response:
    """Note that somebody is there, proved by the label."""
    with visit.database.write() as connection:
        ticket = ticket_of_site(connection, _site(visit, token), visit.now_us)
        if ticket is None:
            raise HTTPException(404, visit.words.t("label.nothing"))
        event = Arrive(who=person.name, via="label", at_us=visit.now_us, proof="label")
        actions.act(connection, ticket.id, event, visit.now_us)
    return RedirectResponse(f"/tickets/{ticket.id}", SEE_OTHER)


def _site(visit: Visit, token: str) -> int:
    site_id = site_of_token(secret_of(visit), token)
    if site_id is None:
        raise HTTPException(404, visit.words.t("label.unknown"))
    return site_id


def ticket_of_site(connection: Connection, site_id: int, now_us: int) -> Ticket | None:
    """Return the most urgent open ticket that concerns a site, by itself or by a gateway that hangs there."""
    hung = select(gateways.c.eui).where(gateways.c.site_id == site_id)
    concerned = set(
        connection.execute(
            select(incident_gateways.c.incident_id).where(
                incident_gateways.c.eui.in_(hung), incident_gateways.c.restored_us.is_(None)
            )
        ).scalars()
    )
    for shown in tickets.open_tickets(connection, now_us):
        if shown.ticket.working and (
            shown.ticket.site_id == site_id or shown.ticket.incident_id in concerned
        ):
            return shown.ticket
    return None
