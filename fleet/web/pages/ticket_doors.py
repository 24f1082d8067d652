"""Doors to one ticket from outside the NOC: the link of a message, the label on a cabinet.

``/a/{token}``: GET shows, POST acknowledges, once, without login.  Whoever holds the link may acknowledge in
the name of the person it was sent to, and nothing else.  Where to go, by which road and through which door is
shown to who took the ticket by this link, for as long as there is work to do: an access note before would go
to whoever forwards a message.

``/s/{token}``: scanning a label leads to the open ticket of its site, where the arrival is declared with it:
a label may be read off a photo, so that it proves nothing.  Who scans must be logged in.
"""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection, select

from fleet.acts.steps import Door, ShownPresence, Step, StepRequest
from fleet.acts.take import Taken, open_ticket_at, take
from fleet.identity.people import Person
from fleet.incidents.context import CycleContext
from fleet.notify.compose import Occasion, headline
from fleet.paging.subjects import subject
from fleet.registry.tables import sites
from fleet.tickets import links
from fleet.tickets import store as tickets
from fleet.tickets.clocks import intervention
from fleet.tickets.links import Link, LinkState
from fleet.tickets.model import StepRefused, Ticket
from fleet.tickets.presence import site_of_token
from fleet.web.access import form_guard, technician
from fleet.web.views.tickets import places_of
from fleet.web.visit import Anybody, Viewing, Visit

router = APIRouter()


@router.get("/a/{token}", response_class=HTMLResponse, include_in_schema=False)
def show(token: str, visit: Anybody) -> HTMLResponse:
    """Say what it is about and offer the button; whatever fetches this changes nothing."""
    with visit.database.read() as connection:
        context = CycleContext(connection, visit.network, visit.now_us)
        link = links.look(connection, visit.parts.links_secret, token, visit.now_us)
        return _page(visit, context, link)


@router.post("/a/{token}", response_class=HTMLResponse, include_in_schema=False)
def acknowledge(token: str, visit: Anybody) -> HTMLResponse:
    """Acknowledge for the person the link was sent to."""
    with visit.database.write() as connection:
        link, outcome = _use(visit, connection, token)
    with visit.database.read() as connection:
        context = CycleContext(connection, visit.network, visit.now_us)
        if link is None or outcome is None:
            return _page(visit, context, link)
        return _answer(visit, context, link, outcome)


def _use(visit: Visit, connection: Connection, token: str) -> tuple[Link | None, Taken | StepRefused | None]:
    """Return the link and what came of it; None when it could not be used."""
    secret = visit.parts.links_secret
    link = links.look(connection, secret, token, visit.now_us)
    if link is None or link.state is not LinkState.VALID:
        return link, None
    if not links.use(connection, link, visit.now_us):
        return replace(link, state=LinkState.USED), None
    wanted = StepRequest(step=Step.ACKNOWLEDGE, who=link.who, door=Door.LINK)
    return link, take(connection, visit.parts.presence_rules, link.ticket_id, wanted, visit.now_us)


def _answer(visit: Visit, context: CycleContext, link: Link, outcome: Taken | StepRefused) -> HTMLResponse:
    ticket = tickets.get(context.connection, link.ticket_id)
    values = _about(visit, context, ticket)
    if isinstance(outcome, StepRefused):
        sentence = visit.words.t(outcome.key, **dict(outcome.values))
        return visit.bare("pages/link.html", status=409, sentence=sentence, ask=False, who=link.who, **values)
    sentence = visit.words.t("link.done", at=visit.words.clock(visit.now_us))
    values |= _onward(visit, context, ticket)
    return visit.bare("pages/link.html", sentence=sentence, ask=False, who=link.who, **values)


def _page(visit: Visit, context: CycleContext, link: Link | None) -> HTMLResponse:
    nothing: dict[str, Any] = {"headline": "", "due_at_us": None, "ask": False, "who": ""}
    nothing |= {"ticket_id": None, "noc_phone": visit.parts.settings.noc_phone, "sites": (), "places": []}
    if link is None:
        sentence = visit.words.t("link.forged")
        return visit.bare("pages/link.html", status=404, **nothing, sentence=sentence)
    if link.state is LinkState.EXPIRED:
        sentence = visit.words.t("link.expired")
        return visit.bare("pages/link.html", status=410, **nothing, sentence=sentence)
    ticket = tickets.get(context.connection, link.ticket_id)
    values = _about(visit, context, ticket) | {"who": link.who}
    if link.state is LinkState.USED:
        state = visit.words.t(f"ticket.state.{ticket.state.value}")
        sentence = visit.words.t("link.used", number=str(ticket.id), state=state)
        if ticket.working and ticket.acknowledged_by == link.who:
            values |= _onward(visit, context, ticket)
        return visit.bare("pages/link.html", sentence=sentence, ask=False, **values)
    open_still = ticket.working and ticket.acknowledged_at_us is None
    sentence = "" if open_still else _why_not(visit, ticket)
    return visit.bare("pages/link.html", sentence=sentence, ask=open_still, **values)


def _why_not(visit: Visit, ticket: Ticket) -> str:
    if ticket.working:
        return visit.words.t("ticket.refused.taken", who=ticket.acknowledged_by)
    return visit.words.t("ticket.refused.over")


def _about(visit: Visit, context: CycleContext, ticket: Ticket) -> dict[str, Any]:
    found = subject(context, ticket, occasion=Occasion.OPENED, lang=visit.lang)
    clock = intervention(ticket, visit.now_us)
    waiting = ticket.working and ticket.on_site_at_us is None
    line = headline(replace(found, on_site_due_us=None), visit.lang, visit.now_us)
    return {
        "headline": line,
        "due_at_us": clock.due_at_us if waiting else None,
        "ticket_id": ticket.id,
        "noc_phone": visit.parts.settings.noc_phone,
        "sites": (),
        "places": [],
    }


def _onward(visit: Visit, context: CycleContext, ticket: Ticket) -> dict[str, Any]:
    """Return where it goes on from here: sites with their access, and the way to the first of them."""
    found = subject(context, ticket, occasion=Occasion.OPENED, lang=visit.lang)
    return {"sites": found.sites, "places": places_of(found.sites)}


Acting = Annotated[Person, Depends(technician)]
SEE_OTHER = 303


@router.get("/s/{token}", response_class=HTMLResponse, include_in_schema=False)
def show_label(token: str, visit: Viewing, person: Acting) -> Response:
    """Offer « sur site » for the open ticket of this site."""
    del person
    with visit.database.read() as connection:
        return _label_page(visit, connection, _site_of_label(visit, token))


@router.post("/s/{token}", include_in_schema=False, dependencies=[Depends(form_guard)])
def arrive_by_label(token: str, visit: Viewing, person: Acting) -> Response:
    """Note that somebody is there, declared with the label."""
    site_id = _site_of_label(visit, token)
    shown = ShownPresence(label=token)
    wanted = StepRequest(step=Step.ARRIVE, who=person.name, door=Door.LABEL, presence=shown)
    with visit.database.write() as connection:
        ticket = open_ticket_at(connection, site_id, visit.now_us)
        if ticket is None:
            raise HTTPException(404, visit.words.t("label.nothing"))
        outcome = take(connection, visit.parts.presence_rules, ticket.id, wanted, visit.now_us)
    if isinstance(outcome, StepRefused):
        sentence = visit.words.t(outcome.key, **dict(outcome.values))
        with visit.database.read() as connection:
            return _label_page(visit, connection, site_id, refused=sentence)
    return RedirectResponse(f"/tickets/{ticket.id}", SEE_OTHER)


def _label_page(visit: Visit, connection: Connection, site_id: int, *, refused: str = "") -> HTMLResponse:
    name = str(connection.execute(select(sites.c.name).where(sites.c.id == site_id)).scalar() or "")
    ticket = open_ticket_at(connection, site_id, visit.now_us)
    status = 409 if refused else 200
    return visit.bare("pages/label.html", status=status, name=name, ticket=ticket, refused=refused)


def _site_of_label(visit: Visit, token: str) -> int:
    site_id = site_of_token(visit.parts.links_secret, token)
    if site_id is None:
        raise HTTPException(404, visit.words.t("label.unknown"))
    return site_id
