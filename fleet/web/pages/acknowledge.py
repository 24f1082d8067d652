"""The acknowledge link of a message: GET shows, POST acts, once, without login; never an access note.

Whoever holds the link may acknowledge in the name of the person it was sent to, and nothing else.
"""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from fleet.acts.steps import Door, Step, StepRequest
from fleet.acts.take import Taken, take
from fleet.incidents.context import CycleContext
from fleet.notify.compose import Occasion, headline
from fleet.paging.subjects import subject
from fleet.tickets import links
from fleet.tickets import store as tickets
from fleet.tickets.clocks import intervention
from fleet.tickets.links import Link, LinkState
from fleet.tickets.model import StepRefused, Ticket
from fleet.web.visit import Anybody, Visit

router = APIRouter()


def secret_of(visit: Visit) -> bytes:
    """Return the secret that signs links."""
    return visit.parts.links_secret


@router.get("/a/{token}", response_class=HTMLResponse, include_in_schema=False)
def show(token: str, visit: Anybody) -> HTMLResponse:
    """Say what it is about and offer the button; whatever fetches this changes nothing."""
    with visit.database.read() as connection:
        context = CycleContext(connection, visit.network, visit.now_us)
        link = links.look(connection, secret_of(visit), token, visit.now_us)
        return _page(visit, context, link)


@router.post("/a/{token}", response_class=HTMLResponse, include_in_schema=False)
def acknowledge(token: str, visit: Anybody) -> HTMLResponse:
    """Acknowledge for the person the link was sent to."""
    with visit.database.write() as connection:
        context = CycleContext(connection, visit.network, visit.now_us)
        link = links.look(connection, secret_of(visit), token, visit.now_us)
        if link is None or link.state is not LinkState.VALID:
            return _page(visit, context, link)
        if not links.use(connection, link, visit.now_us):
            return _page(visit, context, replace(link, state=LinkState.USED))
        wanted = StepRequest(step=Step.ACKNOWLEDGE, who=link.who, door=Door.LINK)
        outcome = take(connection, secret_of(visit), link.ticket_id, wanted, visit.now_us)
        return _answer(visit, context, link, outcome)


def _answer(visit: Visit, context: CycleContext, link: Link, outcome: Taken | StepRefused) -> HTMLResponse:
    ticket = tickets.get(context.connection, link.ticket_id)
    values = _about(visit, context, ticket)
    if isinstance(outcome, StepRefused):
        sentence = visit.words.t(outcome.key, **dict(outcome.values))
        return visit.bare("pages/link.html", status=409, sentence=sentence, ask=False, who=link.who, **values)
    sentence = visit.words.t("link.done", at=visit.words.clock(visit.now_us))
    return visit.bare("pages/link.html", sentence=sentence, ask=False, who=link.who, **values)


def _page(visit: Visit, context: CycleContext, link: Link | None) -> HTMLResponse:
    nothing = {"headline": "", "due_at_us": None, "ask": False, "who": ""}
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
    return {"headline": line, "due_at_us": clock.due_at_us if waiting else None}
