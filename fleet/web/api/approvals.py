"""What waits for a second person, over HTTP: listed for everybody, decided by people; JSON and forms."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from fleet.approvals.store import REASON_LIMIT_CHARACTERS, ApprovalRefused, Choice, recent
from fleet.identity.people import Person
from fleet.lang.i18n import t
from fleet.rollouts.authorised import SUBJECT
from fleet.rollouts.requests import decided, document_of
from fleet.web.access import form_guard, operator, viewer
from fleet.web.process_parts import Shared
from fleet.web.typed import Line
from fleet.web.views.requests import CHOICES
from fleet.web.visit import Viewing, leave_toast, words_of

SEE_OTHER = 303
router = APIRouter(prefix="/api/v1/approvals", dependencies=[Depends(form_guard)])


class DecisionBody(BaseModel):
    """What a second person decides."""

    choice: Choice
    reason: Line = Field(default="", max_length=REASON_LIMIT_CHARACTERS)


@router.get("", dependencies=[Depends(viewer)])
def list_(parts: Shared) -> dict[str, object]:
    """Return the newest requests, newest first."""
    with parts.database.read() as connection:
        return {"approvals": [document_of(one) for one in recent(connection)]}


@router.post("/{number}")
def decide(
    request: Request,
    parts: Shared,
    number: int,
    body: DecisionBody,
    person: Annotated[Person, Depends(operator)],
) -> dict[str, object]:
    """Approve, refuse or cancel a request; its author does not approve it."""
    key, rules, now_us = parts.keys.signing, parts.settings.two_persons, parts.clock.now_us()
    told = {"who": person.name, "reason": body.reason}
    try:
        with parts.database.write() as connection:
            return document_of(decided(connection, key, rules, number, body.choice, now_us=now_us, **told))
    except ApprovalRefused as error:
        status = 404 if error.key == "approval.refused.unknown" else 409
        raise HTTPException(status, t(words_of(request).lang, error.key, **error.values)) from error


forms = APIRouter()
"""Where the cards on the page of rollouts send to."""


@forms.post("/deploiements/demandes/{number:int}/{verb}", dependencies=[Depends(form_guard)])
def decide_on_page(
    number: int,
    verb: str,
    visit: Viewing,
    person: Annotated[Person, Depends(operator)],
    reason: Annotated[Line, Form(max_length=REASON_LIMIT_CHARACTERS)] = "",
) -> Response:
    """Approve, refuse or cancel a request; its author's own approval is refused by name."""
    if verb not in CHOICES:
        raise HTTPException(404)
    key, rules = visit.parts.keys.signing, visit.parts.settings.two_persons
    told = {"who": person.name, "reason": reason.strip()}
    try:
        with visit.database.write() as connection:
            one = decided(connection, key, rules, number, CHOICES[verb], now_us=visit.now_us, **told)
    except ApprovalRefused as error:
        status = 404 if error.key == "approval.refused.unknown" else 409
        raise HTTPException(status, visit.words.t(error.key, **error.values)) from error
    back = f"/deploiements/{one.subject.removeprefix(SUBJECT)}" if one.subject.startswith(SUBJECT) else ""
    answer = RedirectResponse(back or f"/deploiements#demande-{number}", SEE_OTHER)
    return leave_toast(answer, f"toast.approval.{CHOICES[verb]}", number=number)
