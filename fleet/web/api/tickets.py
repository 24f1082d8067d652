"""JSON writes on tickets: calls, steps, pauses, photos, presence on site.

A step carries ``at_us``, when it happened: a phone without coverage queues steps and sends them later, in
order, each with an ``Idempotency-Key``; a step that was taken already is answered 200 with ``"again": true``.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Header, HTTPException, Request, UploadFile
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from fleet.acts.challenge import ask
from fleet.acts.steps import (
    PARTS_LIMIT,
    TEXT_LIMIT_CHARACTERS,
    Door,
    ShownPresence,
    Step,
    StepRequest,
    merge_of,
    split_of,
)
from fleet.acts.take import take
from fleet.identity.people import Person
from fleet.incidents.context import CycleContext
from fleet.incidents.model import Absorb
from fleet.intake import calls as reported
from fleet.lang.i18n import t
from fleet.live.model import NetworkNow
from fleet.response.apply import apply
from fleet.tickets import actions, attachments, joining
from fleet.tickets import store as tickets
from fleet.tickets.model import Criticality, Merge, Origin, StepRefused, Ticket
from fleet.tickets.photos import PHOTO_LIMIT_BYTES, PhotoRefused, picture_of
from fleet.web.access import form_guard, operator, technician, viewer
from fleet.web.incident_views import members
from fleet.web.process_parts import Parts, Shared
from fleet.web.typed import Line, Paragraph
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
    commune_insee: Line = Field(max_length=5)
    text: Paragraph = Field(max_length=500)
    caller: Line = Field(default="", max_length=200)
    reported_at_us: int | None = None
    site_id: int | None = None
    criticality: Criticality = Criticality.MINOR


class PresenceBody(BaseModel):
    """What somebody on site shows: the gateway's code proves it, a label or a position is declared."""

    label: Line = Field(default="", max_length=64)
    code: Line = Field(default="", max_length=12)
    lat: float | None = Field(default=None, ge=-90, le=90)
    lon: float | None = Field(default=None, ge=-180, le=180)


class StepBody(BaseModel):
    """One step of a ticket."""

    step: Step
    at_us: int | None = None
    text: Paragraph = Field(default="", max_length=TEXT_LIMIT_CHARACTERS)
    reason: Line = Field(default="", max_length=TEXT_LIMIT_CHARACTERS)
    cause: Line = Field(default="", max_length=TEXT_LIMIT_CHARACTERS)
    action: Line = Field(default="", max_length=TEXT_LIMIT_CHARACTERS)
    parts: list[Line] = Field(default_factory=list, max_length=PARTS_LIMIT)
    depot: Line = Field(default="", max_length=80)
    presence: PresenceBody | None = None


def context_of(parts: Parts, connection: Connection) -> CycleContext:
    """Return the scene of a request."""
    now_us = parts.clock.now_us()
    network = parts.network if parts.feed.latest is not None else NetworkNow(at_us=now_us)
    return CycleContext(connection, network, now_us)


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
    """Take one step; 409 says why it does not apply, 422 which text is missing."""
    texts = body.model_dump(exclude={"presence", "parts"})
    presence = None if body.presence is None else ShownPresence(**body.presence.model_dump())
    wanted = StepRequest(
        **texts,
        parts=tuple(body.parts),
        presence=presence,
        who=person.name,
        door=Door.API,
        key=idempotency_key,
    )
    with parts.database.write() as connection:
        _ticket(connection, ticket_id)
        outcome = take(connection, parts.presence_rules, ticket_id, wanted, parts.clock.now_us())
    if isinstance(outcome, StepRefused):
        raise _refused(request, outcome)
    return {"ticket": ticket_id, "state": outcome.ticket.state.value, "again": outcome.again}


def _refused(request: Request, refusal: StepRefused) -> HTTPException:
    """Return why it does not apply, in the person's language; the key goes beside it for a phone's queue."""
    text = t(words_of(request).lang, refusal.key, **dict(refusal.values))
    status = 422 if refusal.field else 409
    return HTTPException(status, text, headers={REFUSAL_HEADER: refusal.key})


@router.post("/{ticket_id}/code", status_code=201)
def show_code(request: Request, parts: Shared, ticket_id: int, person: Technician) -> dict[str, Any]:
    """Ask the gateways of a ticket to show a code; who types it in time proves to be there."""
    with parts.database.write() as connection:
        ticket, now_us = _ticket(connection, ticket_id), parts.clock.now_us()
        asked = ask(
            connection, parts.keys.signing, parts.links_secret, ticket, who=person.name, now_us=now_us
        )
    if isinstance(asked, StepRefused):
        raise _refused(request, asked)
    return {"ticket": ticket_id, "gateways": list(asked.euis), "expires_at_us": asked.expires_at_us}


@router.post("/{ticket_id}/verify")
def verify(request: Request, parts: Shared, ticket_id: int, person: Operator) -> dict[str, Any]:
    """Ask telemetry whether the place of a call is served."""
    del person
    with parts.database.write() as connection:
        outcome = reported.verify(context_of(parts, connection), _ticket(connection, ticket_id))
        if isinstance(outcome, StepRefused):
            raise _refused(request, outcome)
        return {"ticket": ticket_id, "state": outcome.state.value}


@router.post("/{ticket_id}/merge/{into}")
def merge(request: Request, parts: Shared, ticket_id: int, into: int, person: Operator) -> dict[str, Any]:
    """Merge a ticket into an older one of the same cause."""
    with parts.database.write() as connection:
        context = context_of(parts, connection)
        other, mine = _ticket(connection, ticket_id), _ticket(connection, into)
        joined: Absorb | Merge | Ticket | StepRefused = merge_of(
            other, mine, who=person.name, door=Door.API, at_us=context.now_us
        )
        if isinstance(joined, Absorb):
            apply(context, joined)
            return {"ticket": into}
        if isinstance(joined, Merge):
            joined = actions.act(connection, ticket_id, joined, context.now_us)
        if isinstance(joined, StepRefused):
            raise _refused(request, joined)
        joining.inherit(connection, mine, other)
        return {"ticket": into}


class SplitBody(BaseModel):
    """Gateways that are another matter."""

    euis: list[Line] = Field(min_length=1, max_length=2000)
    reason: Line = Field(min_length=1, max_length=500)


@router.post("/{ticket_id}/split", status_code=201)
def split(
    request: Request, parts: Shared, ticket_id: int, body: SplitBody, person: Operator
) -> dict[str, Any]:
    """Take gateways out of a ticket's incident into one of their own; the report stays when it was."""
    with parts.database.write() as connection:
        context = context_of(parts, connection)
        ticket = _ticket(connection, ticket_id)
        present = [] if ticket.incident_id is None else members(connection, ticket.incident_id)
        lost_since_us = {one.eui: one.since_us for one in present if one.restored_us is None}
        reason = f"{person.name} : {body.reason}"
        parted = split_of(ticket, lost_since_us, body.euis, context.network, reason=reason)
        if isinstance(parted, StepRefused):
            raise _refused(request, parted)
        apply(context, parted)
        return {"ticket": ticket_id, "split": [one.eui for one in parted.members]}


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
    try:
        picture = picture_of(data)
        with parts.database.write() as connection:
            _ticket(connection, ticket_id)
            kept = attachments.attach(
                connection,
                ticket_id,
                name=file.filename or "",
                picture=picture,
                who=person.name,
                via="api",
                now_us=parts.clock.now_us(),
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
