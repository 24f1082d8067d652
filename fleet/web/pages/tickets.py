"""One ticket: its clocks, what happened, what it hits, and what a person may do."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, HTTPException, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection, select

from fleet.acts.challenge import ask, expected_at
from fleet.acts.steps import TEXT_LIMIT_CHARACTERS, Door, Step, StepRequest
from fleet.acts.take import take
from fleet.configurations.commands import last_of
from fleet.configurations.status import statuses
from fleet.identity.people import Person, Role
from fleet.live.model import GatewayNow
from fleet.notify.compose import SiteLine
from fleet.registry.store import load_communes
from fleet.registry.tables import sites
from fleet.tickets import attachments
from fleet.tickets import store as tickets
from fleet.tickets.model import PauseReason, StepRefused, TicketState
from fleet.tickets.photos import PHOTO_LIMIT_BYTES, PhotoRefused, picture_of
from fleet.web import incident_views as incidents
from fleet.web.access import form_guard, technician
from fleet.web.incident_views import TicketPage
from fleet.web.pages.listing import Table, answer, chips, filters_of
from fleet.web.pages.network import commune_table
from fleet.web.pages.ticket_lists import TicketWords, words_of_findings, words_of_ticket
from fleet.web.typed import Line, Paragraph
from fleet.web.views import affected, arrivals
from fleet.web.views import tickets as views
from fleet.web.views.clocks import intervention_of, resolution_of
from fleet.web.views.commands import lines_of
from fleet.web.views.tickets import OFFLINE, VERBS, actions_of, steps_of, trail_of
from fleet.web.visit import Viewing, Visit, leave_toast

router = APIRouter()
SEE_OTHER = 303


@router.get("/tickets/{ticket_id}", response_class=HTMLResponse)
def show(ticket_id: int, visit: Viewing) -> HTMLResponse:
    """Show one ticket."""
    with visit.database.read() as connection:
        return _page(visit, connection, ticket_id)


@router.get("/tickets/{ticket_id}/passerelles", response_class=HTMLResponse)
def gateways_of(ticket_id: int, visit: Viewing) -> Response:
    """Show the gateways of an incident, those still lost first."""
    with visit.database.read() as connection:
        found = _incident_page(visit, connection, ticket_id)
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
        found = _incident_page(visit, connection, ticket_id)
        assert found.incident is not None
        hit = set(found.incident.communes)
        registered = [one for one in load_communes(connection) if one.insee in hit]
        filename = f"ticket-{ticket_id}-communes"
        return commune_table(visit, connection, registered, filename, about=found.shown.ticket)


def _incident_page(visit: Visit, connection: Connection, ticket_id: int) -> TicketPage:
    found = _found(visit, connection, ticket_id)
    if found.incident is None:
        raise HTTPException(404)
    return found


def _found(visit: Visit, connection: Connection, ticket_id: int) -> TicketPage:
    try:
        return incidents.ticket_page(connection, ticket_id, visit.now_us)
    except tickets.NoSuchTicket as error:
        raise HTTPException(404) from error


def _page(
    visit: Visit,
    connection: Connection,
    ticket_id: int,
    *,
    status: int = 200,
    refused: str = "",
    typed: dict[str, str] | None = None,
) -> HTMLResponse:
    found = _found(visit, connection, ticket_id)
    ticket, network = found.shown.ticket, visit.network
    site = connection.execute(select(sites).where(sites.c.id == ticket.site_id)).mappings().first()
    about = words_of_ticket(visit, connection, ticket)
    mass = len(found.members) > views.MEMBERS_LIMIT
    over = ticket.state in (TicketState.CLOSED, TicketState.MERGED)
    members = [network.gateways[one.eui] for one in found.members if one.eui in network.gateways]
    return visit.page(
        "pages/ticket.html",
        connection,
        status=status,
        ticket=ticket,
        told=about,
        places=[] if mass or over else views.places_of(_sites(about, site)),
        reach=views.reach_of(found.members, found.incident) if mass else None,
        members_limit=views.MEMBERS_LIMIT,
        intervention=intervention_of(found.shown),
        resolution=resolution_of(found.shown),
        steps=steps_of(visit.words, ticket),
        trail=trail_of(visit.words, found.events),
        findings=words_of_findings(visit, connection, found.findings, len(found.members)),
        members=members,
        **_live(visit, connection, members),
        site=None if mass else site,
        commune=network.communes.get(ticket.commune_insee),
        may_act=visit.person is not None and visit.person.may(Role.TECHNICIAN),
        actions=actions_of(ticket),
        code=expected_at(connection, ticket_id, visit.now_us),
        proves=arrivals.proves(ticket),
        confirms=visit.person is not None and arrivals.confirms(ticket, visit.person.name),
        offline=OFFLINE,
        photos=attachments.of_ticket(connection, ticket_id),
        messages=found.notifications,
        pause_reasons=[(reason.value, visit.words.t(f"pause.{reason}")) for reason in PauseReason],
        refused=refused,
        typed=typed or {},
        reporting=views.reports(ticket),
        noc_phone=visit.parts.settings.noc_phone,
        queue_texts=views.queue_texts(visit.words),
        reopening=ticket.state is TicketState.CLOSED,
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
        for eui, stand in statuses(connection, euis).items()
        if stand.heartbeat is not None
    }
    commands = {eui: lines_of(visit.words, last_of(connection, eui, 1)) for eui in euis}
    return {"told_by": told_by, "commands": commands}


def _at_us(visit: Visit, typed_ms: str) -> int:
    """Return when it happened: what a phone without coverage wrote down, in milliseconds, else now."""
    return (
        int(typed_ms) * 1000 if typed_ms.isdigit() and len(typed_ms) <= len("1764000000000") else visit.now_us
    )


class StepForm(BaseModel):
    """What the forms of a ticket's page send."""

    at: Line = Field(default="", max_length=20)
    """When it happened, milliseconds UTC; empty: now."""
    text: Paragraph = Field(default="", max_length=TEXT_LIMIT_CHARACTERS)
    note: Paragraph = Field(default="", max_length=TEXT_LIMIT_CHARACTERS)
    confirmation: Paragraph = Field(default="", max_length=TEXT_LIMIT_CHARACTERS)
    """How a second person knows that somebody was on site."""
    reason: Line = Field(default="", max_length=TEXT_LIMIT_CHARACTERS)
    cause: Line = Field(default="", max_length=TEXT_LIMIT_CHARACTERS)
    action: Line = Field(default="", max_length=TEXT_LIMIT_CHARACTERS)
    parts: Paragraph = Field(default="", max_length=TEXT_LIMIT_CHARACTERS)
    depot: Line = Field(default="", max_length=TEXT_LIMIT_CHARACTERS)


REPORT_FIELDS = ("cause", "action", "parts", "depot")
Acting = Annotated[Person, Depends(technician)]
Guarded: Any = [Depends(form_guard)]


@router.post("/tickets/{ticket_id}/photo", dependencies=Guarded)
def photo(ticket_id: int, visit: Viewing, person: Acting, file: Annotated[UploadFile, File()]) -> Response:
    """Keep a photo, without what the camera wrote about place and person."""
    data = file.file.read(PHOTO_LIMIT_BYTES + 1)
    kept: dict[str, Any] = {"name": file.filename or "", "who": person.name, "via": Door.PAGE.value}
    try:
        kept["picture"] = picture_of(data)
        with visit.database.write() as connection:
            attachments.attach(connection, ticket_id, now_us=visit.now_us, **kept)
    except tickets.NoSuchTicket as error:
        raise HTTPException(404) from error
    except PhotoRefused as error:
        with visit.database.read() as connection:
            return _page(visit, connection, ticket_id, status=422, refused=visit.words.refusal(error))
    answer = RedirectResponse(f"/tickets/{ticket_id}", SEE_OTHER)
    return leave_toast(answer, "toast.photo", number=ticket_id)


@router.post("/tickets/{ticket_id}/code", dependencies=Guarded)
def show_code(ticket_id: int, visit: Viewing, person: Acting) -> Response:
    """Ask the gateways of a ticket to show the code that proves who is there."""
    try:
        with visit.database.write() as connection:
            ticket = tickets.get(connection, ticket_id, lock=True)
            key, secret = visit.parts.keys.signing, visit.parts.links_secret
            asked = ask(connection, key, secret, ticket, who=person.name, now_us=visit.now_us)
    except tickets.NoSuchTicket as error:
        raise HTTPException(404) from error
    if isinstance(asked, StepRefused):
        sentence = visit.words.t(asked.key, **dict(asked.values))
        with visit.database.read() as connection:
            return _page(visit, connection, ticket_id, status=409, refused=sentence)
    answer = RedirectResponse(f"/tickets/{ticket_id}#ticket-code", SEE_OTHER)
    return leave_toast(answer, "toast.code", number=ticket_id)


@router.post("/tickets/{ticket_id}/{verb}", dependencies=Guarded)
def act(
    ticket_id: int, verb: str, visit: Viewing, person: Acting, typed: Annotated[StepForm, Form()]
) -> Response:
    """Take one step; a refusal shows the page again with the reason and the report that was typed."""
    step = VERBS.get(verb)
    if step is None:
        raise HTTPException(404)
    wanted = StepRequest(
        step=step,
        who=person.name,
        door=Door.PAGE,
        at_us=_at_us(visit, typed.at),
        text=typed.text or typed.note or typed.confirmation,
        reason=typed.reason,
        cause=typed.cause,
        action=typed.action,
        parts=tuple(typed.parts.split(",")),
        depot=typed.depot,
    )
    try:
        with visit.database.write() as connection:
            outcome = take(connection, visit.parts.presence_rules, ticket_id, wanted, visit.now_us)
    except tickets.NoSuchTicket as error:
        raise HTTPException(404) from error
    if isinstance(outcome, StepRefused):
        report = typed.model_dump(include=set(REPORT_FIELDS)) if step is Step.CLOSE else None
        sentence = visit.words.t(outcome.key, **dict(outcome.values))
        status = 422 if outcome.field else 409
        with visit.database.read() as connection:
            return _page(visit, connection, ticket_id, status=status, refused=sentence, typed=report)
    answer = RedirectResponse(f"/tickets/{ticket_id}", SEE_OTHER)
    return leave_toast(answer, "toast.ticket", number=ticket_id)
