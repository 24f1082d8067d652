"""The label on a cabinet: scanning it leads to the open ticket of its site, and proves presence.

``/s/{token}``; who scans must be logged in: a photo of the label taken elsewhere opens nothing by itself.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection, select

from fleet.acts.steps import Door, ShownPresence, Step, StepRequest
from fleet.acts.take import open_ticket_at, take
from fleet.identity.people import Person
from fleet.registry.tables import sites
from fleet.tickets.model import StepRefused
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
        return _page(visit, connection, _site(visit, token))


@router.post("/s/{token}", include_in_schema=False, dependencies=[Depends(form_guard)])
def arrive(token: str, visit: Viewing, person: Acting) -> Response:
    """Note that somebody is there, proved by the label."""
    site_id = _site(visit, token)
    shown = ShownPresence(label=token)
    wanted = StepRequest(step=Step.ARRIVE, who=person.name, door=Door.LABEL, presence=shown)
    with visit.database.write() as connection:
        ticket = open_ticket_at(connection, site_id, visit.now_us)
        if ticket is None:
            raise HTTPException(404, visit.words.t("label.nothing"))
        outcome = take(connection, secret_of(visit), ticket.id, wanted, visit.now_us)
        if isinstance(outcome, StepRefused):
            sentence = visit.words.t(outcome.key, **dict(outcome.values))
            return _page(visit, connection, site_id, refused=sentence)
    return RedirectResponse(f"/tickets/{ticket.id}", SEE_OTHER)


def _page(visit: Visit, connection: Connection, site_id: int, *, refused: str = "") -> HTMLResponse:
    name = str(connection.execute(select(sites.c.name).where(sites.c.id == site_id)).scalar() or "")
    ticket = open_ticket_at(connection, site_id, visit.now_us)
    status = 409 if refused else 200
    return visit.bare("pages/label.html", status=status, name=name, ticket=ticket, refused=refused)


def _site(visit: Visit, token: str) -> int:
    site_id = site_of_token(secret_of(visit), token)
    if site_id is None:
        raise HTTPException(404, visit.words.t("label.unknown"))
    return site_id
