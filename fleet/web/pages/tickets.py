"""One ticket: its clocks, what happened, and what a person may do."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, HTTPException, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection, select

from fleet.configurations.commands import last_of
from fleet.configurations.status import stands
from fleet.identity.people import Person, Role
from fleet.live.model import GatewayNow
from fleet.notify.compose import SiteLine
from fleet.registry.tables import sites
from fleet.tickets import actions, attachments
from fleet.tickets import store as tickets
from fleet.tickets.model import (
    Acknowledge,
    Arrive,
    Close,
    Depart,
    Event,
    FieldReport,
    Note,
    PauseReason,
    Reopen,
    ResumeClocks,
    StepRefused,
    StopClocks,
)
from fleet.tickets.photos import PHOTO_LIMIT_BYTES, PhotoRefused
from fleet.web import incident_views as incidents
from fleet.web.access import form_guard, technician
from fleet.web.pages.ticket_lists import TicketWords, words_of_ticket
from fleet.web.views import tickets as views
from fleet.web.views.clocks import intervention_of, resolution_of
from fleet.web.views.commands import lines_of
from fleet.web.views.tickets import STEPS, actions_of, steps_of, trail_of
from fleet.web.visit import Viewing, Visit, leave_toast

router = APIRouter()
VIA = "page"
SEE_OTHER = 303
TEXT_LIMIT = 1000
"""Characters of a note or a field report."""

Text = Annotated[str, Form(max_length=TEXT_LIMIT)]
Typed = dict[str, str]


@router.get("/tickets/{ticket_id}", response_class=HTMLResponse)
def show(ticket_id: int, visit: Viewing) -> HTMLResponse:
    """Show one ticket."""
    with visit.database.read() as connection:
        return _page(visit, connection, ticket_id)


def _page(
    visit: Visit, connection: Connection, ticket_id: int, *, refused: str = "", typed: Typed | None = None
) -> HTMLResponse:
    try:
        found = incidents.ticket_page(connection, ticket_id, visit.now_us)
    except tickets.NoSuchTicket as error:
        raise HTTPException(404) from error
    ticket, network = found.shown.ticket, visit.network
    site = connection.execute(select(sites).where(sites.c.id == ticket.site_id)).mappings().first()
    about = words_of_ticket(visit, connection, ticket)
    members = [network.gateways[one.eui] for one in found.members if one.eui in network.gateways]
    return visit.page(
        "pages/ticket.html",
        connection,
        status=409 if refused else 200,
        ticket=ticket,
        told=about,
        places=views.places_of(_sites(about, site)),
        members_limit=views.MEMBERS_LIMIT,
        intervention=intervention_of(found.shown),
        resolution=resolution_of(found.shown),
        steps=steps_of(ticket),
        trail=trail_of(visit.words, found.events),
        members=members,
        **_live(visit, connection, members),
        site=site,
        commune=network.communes.get(ticket.commune_insee),
        may_act=visit.person is not None and visit.person.may(Role.TECHNICIAN),
        actions=actions_of(ticket),
        offline=STEPS,
        photos=attachments.of_ticket(connection, ticket_id),
        messages=found.notifications,
        pause_reasons=[(reason.value, visit.words.t(f"pause.{reason}")) for reason in PauseReason],
        refused=refused,
        typed=typed or {},
        reporting=views.reports(ticket),
        queue_texts=views.queue_texts(visit.words),
    )


def _sites(about: TicketWords, site: Any) -> tuple[SiteLine, ...]:
    """Return the sites of a ticket, those whose gateway is lost first."""
    if about.about is not None and about.about.sites:
        return about.about.sites
    return () if site is None else (views.site_line(site),)


def _live(visit: Visit, connection: Connection, members: list[GatewayNow]) -> dict[str, Any]:
    """Return what the gateways on the spot say at present, and the last answer of each."""
    euis = [one.eui for one in members[: views.MEMBERS_LIMIT]]
    told_by = {
        eui: views.beat_words(visit.words, stand.heartbeat)
        for eui, stand in stands(connection, euis).items()
        if stand.heartbeat is not None
    }
    commands = {eui: lines_of(visit.words, last_of(connection, eui, 1)) for eui in euis}
    return {"told_by": told_by, "commands": commands}


def _act(visit: Visit, ticket_id: int, event: Event, typed: Typed | None = None) -> Response:
    with visit.database.write() as connection:
        try:
            outcome = actions.act(connection, ticket_id, event, visit.now_us)
        except tickets.NoSuchTicket as error:
            raise HTTPException(404) from error
        if isinstance(outcome, StepRefused):
            sentence = visit.words.t(outcome.key, **dict(outcome.values))
            return _page(visit, connection, ticket_id, refused=sentence, typed=typed)
    answer = RedirectResponse(f"/tickets/{ticket_id}", SEE_OTHER)
    return leave_toast(answer, "toast.ticket", number=ticket_id)


def _at_us(visit: Visit, typed_ms: str) -> int:
    """Return when it happened: what a phone without coverage wrote down, in milliseconds, else now."""
    return (
        int(typed_ms) * 1000 if typed_ms.isdigit() and len(typed_ms) <= len("1764000000000") else visit.now_us
    )


Made = Callable[[str, int], Event]
SIMPLE: dict[str, Made] = {
    "prendre": lambda who, at_us: Acknowledge(who=who, via=VIA, at_us=at_us),
    "partir": lambda who, at_us: Depart(who=who, via=VIA, at_us=at_us),
    "arriver": lambda who, at_us: Arrive(who=who, via=VIA, at_us=at_us),
    "reprendre": lambda who, at_us: ResumeClocks(who=who, via=VIA, at_us=at_us),
    "rouvrir": lambda who, at_us: Reopen(who=who, via=VIA, at_us=at_us, reason=""),
}
Acting = Annotated[Person, Depends(technician)]
Guarded: Any = [Depends(form_guard)]


@router.post("/tickets/{ticket_id}/suspendre", dependencies=Guarded)
def pause(
    ticket_id: int, visit: Viewing, person: Acting, reason: Annotated[PauseReason, Form()], note: Text = ""
) -> Response:
    """Stop the clocks for a reason of the list."""
    event = StopClocks(who=person.name, via=VIA, at_us=visit.now_us, reason=reason, note=note.strip())
    return _act(visit, ticket_id, event)


@router.post("/tickets/{ticket_id}/clore", dependencies=Guarded)
def close(
    ticket_id: int, visit: Viewing, person: Acting, *, cause: Text = "", action: Text = "", parts: Text = ""
) -> Response:
    """Close with the field report."""
    report = None
    if cause.strip() and action.strip():
        listed = tuple(part.strip() for part in parts.split(",") if part.strip())
        report = FieldReport(cause=cause.strip(), action=action.strip(), parts=listed)
    event = Close(who=person.name, via=VIA, at_us=visit.now_us, report=report)
    return _act(visit, ticket_id, event, {"cause": cause, "action": action, "parts": parts})


@router.post("/tickets/{ticket_id}/noter", dependencies=Guarded)
def note(ticket_id: int, visit: Viewing, person: Acting, text: Text = "") -> Response:
    """Add a line for those who read on."""
    if not text.strip():
        return RedirectResponse(f"/tickets/{ticket_id}", SEE_OTHER)
    return _act(visit, ticket_id, Note(who=person.name, via=VIA, at_us=visit.now_us, text=text.strip()))


@router.post("/tickets/{ticket_id}/photo", dependencies=Guarded)
def photo(ticket_id: int, visit: Viewing, person: Acting, file: Annotated[UploadFile, File()]) -> Response:
    """Keep a photo, without what the camera wrote about place and person."""
    data = file.file.read(PHOTO_LIMIT_BYTES + 1)
    kept: dict[str, Any] = {"name": file.filename or "", "data": data, "who": person.name, "via": VIA}
    with visit.database.write() as connection:
        try:
            attachments.attach(connection, ticket_id, now_us=visit.now_us, **kept)
        except tickets.NoSuchTicket as error:
            raise HTTPException(404) from error
        except PhotoRefused as error:
            return _page(visit, connection, ticket_id, refused=visit.words.refusal(error))
    answer = RedirectResponse(f"/tickets/{ticket_id}", SEE_OTHER)
    return leave_toast(answer, "toast.photo", number=ticket_id)


@router.post("/tickets/{ticket_id}/{action}", dependencies=Guarded)
def act(
    ticket_id: int, action: str, visit: Viewing, person: Acting, at: Annotated[str, Form()] = ""
) -> Response:
    """Take one step: acknowledge, depart, arrive, resume the clocks, reopen."""
    made = SIMPLE.get(action)
    if made is None:
        raise HTTPException(404)
    return _act(visit, ticket_id, made(person.name, _at_us(visit, at)))
