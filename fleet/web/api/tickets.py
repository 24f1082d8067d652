"""JSON writes on tickets: calls, steps, pauses, photos, presence on site.

A step carries ``at_us``, when it happened: a phone without coverage queues steps and sends them later, in
order, each with an ``Idempotency-Key``; a step that was taken already is answered 200 with ``"again": true``.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Header, HTTPException, Request, UploadFile
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection, select

from fleet.evidence.onsite import shown_by
from fleet.identity.people import Person
from fleet.incidents.context import CycleContext
from fleet.incidents.criticality import grade
from fleet.incidents.model import Absorb, Domain, Member, SharedCause, Split
from fleet.intake import calls as reported
from fleet.lang.i18n import t
from fleet.live.model import NetworkNow
from fleet.registry.tables import sites
from fleet.response.apply import apply
from fleet.tickets import actions, attachments, joining, presence
from fleet.tickets import store as tickets
from fleet.tickets.model import Criticality, Merge, Origin, StepRefused, Ticket
from fleet.tickets.photos import PHOTO_LIMIT_BYTES, PhotoRefused
from fleet.tickets.steps import Step, event_of
from fleet.web.access import form_guard, operator, technician, viewer
from fleet.web.incident_views import members
from fleet.web.process_parts import Parts, Shared, parts_of
from fleet.web.visit import words_of

router = APIRouter(prefix="/api/v1/tickets", dependencies=[Depends(form_guard)])

Operator = Annotated[Person, Depends(operator)]
Technician = Annotated[Person, Depends(technician)]
KEY_LIMIT_CHARACTERS = 80
REFUSAL_HEADER = "X-Refusal"
"""Key of the sentence of a refusal: what was done already is no error on a phone that tells it twice."""


class CallBody(BaseModel):
    """A fault that somebody called or wrote in."""

    origin: Origin = Origin.PHONE
    commune_insee: str = Field(max_length=5)
    text: str = Field(max_length=500)
    caller: str = Field(default="", max_length=200)
    reported_at_us: int | None = None
    site_id: int | None = None
    criticality: Criticality = Criticality.MINOR


class Presence(BaseModel):
    """How somebody proves to be on site; one of the three."""

    label: str = Field(default="", max_length=64)
    code: str = Field(default="", max_length=12)
    lat: float | None = Field(default=None, ge=-90, le=90)
    lon: float | None = Field(default=None, ge=-180, le=180)


class StepBody(BaseModel):
    """One step of a ticket."""

    step: Step
    at_us: int | None = None
    text: str = Field(default="", max_length=1000)
    reason: str = Field(default="", max_length=40)
    cause: str = Field(default="", max_length=500)
    action: str = Field(default="", max_length=500)
    parts: list[str] = Field(default_factory=list, max_length=50)
    depot: str = Field(default="", max_length=80)
    presence: Presence | None = None


def context_of(parts: Parts, connection: Connection) -> CycleContext:
    """Return the scene of a request."""
    latest = parts.feed.latest
    now_us = parts.clock.now_us()
    return CycleContext(
        connection, latest.network if latest is not None else NetworkNow(at_us=now_us), now_us
    )


@router.post("", status_code=201)
def call(parts: Shared, body: CallBody, person: Operator) -> dict[str, Any]:
    """Enter a call or a mail: a new ticket, or a line on the one that is open there."""
    with parts.database.write() as connection:
        context = context_of(parts, connection)
        reported_at_us = context.now_us if body.reported_at_us is None else body.reported_at_us
        values = body.model_dump() | {"reported_at_us": reported_at_us, "who": person.name}
        try:
            ticket = reported.enter(context, reported.Call(**values))
        except reported.CallRefused as error:
            raise HTTPException(422, str(error)) from error
        return {"ticket": ticket.id, "reported_at_us": ticket.reported_at_us}


@router.post("/{ticket_id}/steps")
def step(  # noqa: PLR0917 FastAPI passes by name
    request: Request,
    parts: Shared,
    ticket_id: int,
    body: StepBody,
    person: Technician,
    idempotency_key: Annotated[str, Header(max_length=KEY_LIMIT_CHARACTERS)] = "",
) -> dict[str, Any]:
    """Take one step; 409 says why it does not apply."""
    with parts.database.write() as connection:
        context = context_of(parts, connection)
        ticket = _ticket(connection, ticket_id)
        if idempotency_key and joining.seen(connection, ticket_id, idempotency_key):
            return {"ticket": ticket_id, "state": ticket.state.value, "again": True}
        proof = _proof(request, context, ticket, body.presence, body.at_us)
        try:
            event = event_of(body.step, who=person.name, now_us=context.now_us, proof=proof, **_plain(body))
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        outcome = actions.act(connection, ticket_id, event, context.now_us)
        if isinstance(outcome, StepRefused):
            raise _refused(request, outcome.key, **dict(outcome.values))
        if idempotency_key:
            joining.remember(connection, ticket_id, idempotency_key, context.now_us)
        return {"ticket": ticket_id, "state": outcome.state.value, "again": False}


def _refused(request: Request, key: str, **values: object) -> HTTPException:
    """Return why it does not apply, in the person's language; the key goes beside it for a phone's queue."""
    return HTTPException(409, t(words_of(request).lang, key, **values), headers={REFUSAL_HEADER: key})


def _plain(body: StepBody) -> dict[str, Any]:
    return body.model_dump(exclude={"step", "presence"})


def _proof(
    request: Request,
    context: CycleContext,
    ticket: Ticket,
    shown: Presence | None,
    at_us: int | None,
) -> str:
    """Return how we know that somebody is there; a wrong proof is refused, none is « déclaré »."""
    if shown is None:
        return "declared"
    secret = parts_of(request).links_secret
    site_ids = _sites(context, ticket)
    if shown.label:
        if presence.site_of_token(secret, shown.label) not in site_ids:
            raise _refused(request, "presence.wrong_label")
        return "label"
    if shown.code:
        euis = [one.eui for one in context.network.gateways.values() if one.site_id in site_ids]
        if not shown_by(context.connection, euis, shown.code, min(at_us or context.now_us, context.now_us)):
            raise _refused(request, "presence.wrong_code")
        return "code"
    if shown.lat is None or shown.lon is None:
        raise HTTPException(422, "presence: write label, code, or lat and lon")
    found = context.connection.execute(select(sites.c.lat, sites.c.lon).where(sites.c.id.in_(site_ids))).all()
    away = [
        presence.distance_m(shown.lat, shown.lon, row.lat, row.lon)
        for row in found
        if row.lat is not None and row.lon is not None
    ]
    if not away or min(away) > presence.NEAR_LIMIT_M:
        raise _refused(request, "presence.too_far", limit=presence.NEAR_LIMIT_M)
    return f"position {min(away)} m"


def _sites(context: CycleContext, ticket: Ticket) -> frozenset[int]:
    """Return the sites of a ticket: its own, and those of its incident's gateways."""
    found = {ticket.site_id} if ticket.site_id is not None else set()
    if ticket.incident_id is not None:
        euis = [one.eui for one in members(context.connection, ticket.incident_id)]
        found |= {context.network.gateways[eui].site_id for eui in euis if eui in context.network.gateways}
    return frozenset(found)


@router.post("/{ticket_id}/verify")
def verify(request: Request, parts: Shared, ticket_id: int, person: Operator) -> dict[str, Any]:
    """Ask telemetry whether the place of a call is served."""
    del person
    with parts.database.write() as connection:
        outcome = reported.verify(context_of(parts, connection), _ticket(connection, ticket_id))
        if isinstance(outcome, StepRefused):
            raise _refused(request, outcome.key, **dict(outcome.values))
        return {"ticket": ticket_id, "state": outcome.state.value}


@router.post("/{ticket_id}/merge/{into}")
def merge(request: Request, parts: Shared, ticket_id: int, into: int, person: Operator) -> dict[str, Any]:
    """Merge a ticket into an older one of the same cause."""
    with parts.database.write() as connection:
        context = context_of(parts, connection)
        other, mine = _ticket(connection, ticket_id), _ticket(connection, into)
        if other.id == mine.id or not mine.working:
            raise _refused(request, "ticket.refused.over")
        if other.incident_id is not None and mine.incident_id is not None:
            ids = {"incident_id": mine.incident_id, "other_id": other.incident_id}
            apply(context, Absorb(**ids, reason=person.name))
            return {"ticket": into}
        event = Merge(who=person.name, via="api", at_us=context.now_us, into=into)
        outcome = actions.act(connection, ticket_id, event, context.now_us)
        if isinstance(outcome, StepRefused):
            raise _refused(request, outcome.key, **dict(outcome.values))
        joining.inherit(connection, mine, other)
        return {"ticket": into}


class SplitBody(BaseModel):
    """Gateways that are another matter."""

    euis: list[str] = Field(min_length=1, max_length=2000)
    reason: str = Field(min_length=1, max_length=500)


@router.post("/{ticket_id}/split", status_code=201)
def split(parts: Shared, ticket_id: int, body: SplitBody, person: Operator) -> dict[str, Any]:
    """Take gateways out of a ticket's incident into one of their own; the report stays when it was."""
    with parts.database.write() as connection:
        context = context_of(parts, connection)
        ticket = _ticket(connection, ticket_id)
        present = [] if ticket.incident_id is None else members(connection, ticket.incident_id)
        mine = {one.eui: one.since_us for one in present if one.restored_us is None}
        chosen = [eui for eui in dict.fromkeys(body.euis) if eui in mine and eui in context.network.gateways]
        if ticket.incident_id is None or not chosen or len(chosen) == len(mine):
            raise HTTPException(422, "euis: write some of the ticket's gateways that are lost, but not all")
        action = Split(
            incident_id=ticket.incident_id,
            cause=SharedCause(domain=Domain.GATEWAY, value=chosen[0]),
            members=tuple(Member(eui=eui, since_us=mine[eui]) for eui in chosen),
            grade=grade(context.network, chosen),
            reason=f"{person.name} : {body.reason}",
        )
        apply(context, action)
        return {"ticket": ticket_id, "split": chosen}


@router.post("/{ticket_id}/photos", status_code=201)
def photo(
    parts: Shared,
    ticket_id: int,
    person: Technician,
    file: Annotated[UploadFile, File()],
    at_us: Annotated[int | None, Form()] = None,
) -> dict[str, Any]:
    """Keep a photo, without what the camera wrote about place and person; ``at_us``: when it was taken."""
    data = file.file.read(PHOTO_LIMIT_BYTES + 1)
    with parts.database.write() as connection:
        now_us = parts.clock.now_us()
        _ticket(connection, ticket_id)
        try:
            kept = attachments.attach(
                connection,
                ticket_id,
                name=file.filename or "",
                data=data,
                who=person.name,
                via="api",
                now_us=now_us,
                at_us=at_us,
            )
        except PhotoRefused as error:
            raise HTTPException(422, str(error)) from error
        return {"photo": kept.id, "size_bytes": kept.size_bytes}


@router.get("/{ticket_id}/photos/{photo_id}")
def show_photo(
    parts: Shared, ticket_id: int, photo_id: int, person: Annotated[Person, Depends(viewer)]
) -> Response:
    """Return one photo."""
    del person
    with parts.database.read() as connection:
        found = attachments.content(connection, ticket_id, photo_id)
    if found is None:
        raise HTTPException(404, f"photos: ticket {ticket_id} has no photo {photo_id}")
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'"}
    return Response(found[1], media_type=found[0], headers=headers)


def _ticket(connection: Connection, ticket_id: int) -> Ticket:
    try:
        return tickets.get(connection, ticket_id)
    except tickets.NoSuchTicket as error:
        raise HTTPException(404, f"tickets: no ticket {ticket_id}") from error
