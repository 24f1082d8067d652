"""What comes in from outside: delivery reports and replies by SMS, reports of faults by mail.

The address that it is given holds a token derived from our secret: ``/api/v1/sms/{token}/reports`` and
``/replies``; ``passerelle fleet`` prints it.  A report that comes twice, or for no message of ours, changes
nothing and is answered 200: gateways repeat what is answered otherwise.
A mail service posts each mail that reports a fault to ``/api/v1/mail/{token}``, as it was received.
"""

import hmac
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from fleet.acts.steps import Door, Step, StepRequest
from fleet.acts.take import take
from fleet.intake import mail_in, strangers
from fleet.intake.reading import Meaning, Reply, understand
from fleet.intake.report_mail import MAIL_LIMIT_BYTES
from fleet.lang.i18n import t
from fleet.lang.text import one_line
from fleet.notify import outbox
from fleet.notify.model import Channel, Rendered
from fleet.notify.receipts import receipt
from fleet.oncall import store as oncall
from fleet.oncall.model import Person
from fleet.tickets.model import StepRefused
from fleet.web.process_parts import Parts, Shared
from fleet.web.typed import Line, Paragraph

STEPS = {
    Meaning.ACKNOWLEDGE: Step.ACKNOWLEDGE,
    Meaning.EN_ROUTE: Step.DEPART,
    Meaning.ON_SITE: Step.ARRIVE,
    Meaning.DECLINE: Step.DECLINE,
    Meaning.NOTE: Step.NOTE,
}


class Report(BaseModel):
    """A delivery report, as OVH-like gateways post it."""

    id: Line = Field(max_length=100)
    status: Line = Field(max_length=40)
    detail: Line = Field(default="", max_length=200)


class Incoming(BaseModel):
    """A reply."""

    sender: Line = Field(max_length=24)
    message: Paragraph = Field(max_length=2000)


def callback_token(secret: bytes) -> str:
    """Return the token of the addresses that the gateway calls."""
    return hmac.new(secret, b"sms-callback", sha256).hexdigest()[:32]


def _sms_guard(parts: Shared, token: str) -> None:
    secret = parts.links_secret
    if not hmac.compare_digest(token.encode(), callback_token(secret).encode()):
        raise HTTPException(404)


sms = APIRouter(prefix="/api/v1/sms/{token}", dependencies=[Depends(_sms_guard)], include_in_schema=False)


@sms.post("/reports")
def report(parts: Shared, body: Report) -> dict[str, bool]:
    """Note how far an SMS has come."""
    detail = one_line(f"{body.status} {body.detail}")
    found, now_us = receipt(body.status), parts.clock.now_us()
    with parts.database.write() as connection:
        known = outbox.reported(connection, f"sms-{body.id}", found, now_us=now_us, detail=detail)
        return {"known": known}


@sms.post("/replies")
def reply(parts: Shared, body: Incoming) -> dict[str, str]:
    """Do what a reply asks, if its sender is one of ours and was told of a ticket."""
    now_us = parts.clock.now_us()
    with parts.database.write() as connection:
        person = oncall.by_phone(connection, body.sender)
        if person is None:
            strangers.note(connection, body.sender, body.message, now_us)
            return {"outcome": "unknown sender"}
        meant = understand(body.message)
        told = outbox.tickets_written_about(connection, person.id)
        ticket_id = meant.ticket_id if meant.ticket_id is not None else (told[0] if told else None)
        if ticket_id is None or ticket_id not in told:
            _answer(connection, person, "sms.reply.no_ticket", now_us)
            return {"outcome": "no ticket"}
        return {"outcome": _do(parts, connection, person, meant, ticket_id)}


def _do(parts: Parts, connection: Connection, person: Person, meant: Reply, ticket_id: int) -> str:
    now_us = parts.clock.now_us()
    wanted = StepRequest(step=STEPS[meant.meaning], who=person.name, door=Door.SMS, text=meant.text)
    outcome = take(connection, parts.presence_rules, ticket_id, wanted, now_us)
    if isinstance(outcome, StepRefused):
        _answer(connection, person, outcome.key, now_us, **dict(outcome.values))
        return "refused"
    if meant.meaning is Meaning.NOTE:
        _answer(connection, person, "sms.reply.not_understood", now_us)
    return meant.meaning.value


def _answer(connection: Connection, person: Person, key: str, now_us: int, **values: str) -> None:
    text = t(person.language, key, **values)
    outbox.enqueue(
        connection,
        key=f"answer/{person.id}/{now_us}",
        channel=Channel.SMS,
        address=person.phone,
        message=Rendered(subject=text, text=text, sms=text),
        now_us=now_us,
        person_id=person.id,
    )


def _mail_guard(parts: Shared, token: str) -> None:
    secret = parts.links_secret
    if not hmac.compare_digest(token.encode(), mail_in.hook_token(secret).encode()):
        raise HTTPException(404)


async def _limited_body(request: Request) -> bytes:
    """Return what was posted, cut at the limit: a mail with large photos is a report too."""
    raw = b""
    async for part in request.stream():
        raw += part
        if len(raw) > MAIL_LIMIT_BYTES:
            return raw[:MAIL_LIMIT_BYTES]
    return raw


mail = APIRouter(prefix="/api/v1/mail/{token}", dependencies=[Depends(_mail_guard)], include_in_schema=False)


@mail.post("", status_code=202)
def take_mail(parts: Shared, raw: Annotated[bytes, Depends(_limited_body)]) -> dict[str, bool]:
    """Keep a mail as it was received (message/rfc822)."""
    if not raw.strip():
        raise HTTPException(422, "mail: empty; post the mail as the server received it")
    try:
        return {"new": mail_in.keep(parts.database, raw, parts.clock.now_us()).new}
    except mail_in.IntakeBusy as error:
        raise HTTPException(503, str(error), headers={"Retry-After": "60"}) from error
