"""What waits for a second person, over HTTP: listed for everybody, decided by people; JSON and forms."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from fleet.approvals.model import Confirmation
from fleet.approvals.store import REASON_LIMIT_CHARACTERS, ApprovalRefused, Choice, recent
from fleet.identity import audit
from fleet.identity.attempts import LoginTry
from fleet.identity.login import confirm, note_wait
from fleet.identity.passwords import PasswordsBusy
from fleet.identity.people import PASSWORD_MAX_CHARACTERS, Person
from fleet.identity.totp import Vault
from fleet.lang.format import duration
from fleet.lang.i18n import t
from fleet.rollouts.authorised import SUBJECT
from fleet.rollouts.requests import decided, document_of
from fleet.web.access import form_guard, operator, viewer
from fleet.web.process_parts import SESSION_COOKIE, Shared, whole_of
from fleet.web.typed import Line, Secret
from fleet.web.views.requests import CHOICES
from fleet.web.visit import Viewing, leave_toast, words_of

SEE_OTHER = 303
TOO_MANY = 429
BUSY_US = 5_000_000
"""After which somebody may try again when too many passwords are being checked."""
NO_LOGIN = "no login"
"""The proof of a demo that has no accounts (``--open-access``, this machine alone)."""
router = APIRouter(prefix="/api/v1/approvals", dependencies=[Depends(form_guard)])


class DecisionBody(BaseModel):
    """What a second person decides."""

    choice: Choice
    reason: Line = Field(default="", max_length=REASON_LIMIT_CHARACTERS)
    password: Secret = Field(default="", max_length=PASSWORD_MAX_CHARACTERS)
    """The password of who approves, typed for this approval."""
    code: Line = Field(default="", max_length=12)
    """The code of the second factor, where the account has one."""


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
    told: dict[str, Any] = {"who": person.name, "reason": body.reason}
    if body.choice is Choice.APPROVE:
        told["confirmation"] = _confirmed(request, person, body.password, body.code)
    try:
        with parts.database.write() as connection:
            return document_of(decided(connection, key, rules, number, body.choice, now_us=now_us, **told))
    except ApprovalRefused as error:
        status = 404 if error.key == "approval.refused.unknown" else 409
        raise HTTPException(status, t(words_of(request).lang, error.key, **error.values)) from error


forms = APIRouter()
"""Where the cards on the page of rollouts send to."""


@forms.post("/deploiements/demandes/{number:int}/{verb}", dependencies=[Depends(form_guard)])
def decide_on_page(  # noqa: PLR0917 FastAPI passes by name
    number: int,
    verb: str,
    visit: Viewing,
    person: Annotated[Person, Depends(operator)],
    reason: Annotated[Line, Form(max_length=REASON_LIMIT_CHARACTERS)] = "",
    password: Annotated[Secret, Form(max_length=PASSWORD_MAX_CHARACTERS)] = "",
    code: Annotated[Line, Form(max_length=12)] = "",
) -> Response:
    """Approve, refuse or cancel a request; its author's own approval is refused by name."""
    if verb not in CHOICES:
        raise HTTPException(404)
    key, rules = visit.parts.keys.signing, visit.parts.settings.two_persons
    told: dict[str, Any] = {"who": person.name, "reason": reason.strip()}
    if CHOICES[verb] is Choice.APPROVE:
        told["confirmation"] = _confirmed(visit.request, person, password, code)
    try:
        with visit.database.write() as connection:
            one = decided(connection, key, rules, number, CHOICES[verb], now_us=visit.now_us, **told)
    except ApprovalRefused as error:
        status = 404 if error.key == "approval.refused.unknown" else 409
        raise HTTPException(status, visit.words.t(error.key, **error.values)) from error
    back = f"/deploiements/{one.subject.removeprefix(SUBJECT)}" if one.subject.startswith(SUBJECT) else ""
    answer = RedirectResponse(back or f"/deploiements#demande-{number}", SEE_OTHER)
    return leave_toast(answer, f"toast.approval.{CHOICES[verb]}", number=number)


def _confirmed(request: Request, person: Person, password: str, code: str) -> Confirmation:
    """Return how who approves proved it, with the password typed again; tried as rarely as a login.

    Raises:
        HTTPException: password or second factor are wrong (403), or it was tried too often (429).
    """
    parts, words = whole_of(request), words_of(request)
    if parts.settings.open_access:
        return Confirmation(proof=NO_LOGIN)
    now_us, asked_us, logins = parts.clock.now_us(), parts.clock.monotonic_us(), parts.limits.logins
    vault = Vault(parts.settings.keys)
    session = vault.digest(request.cookies.get(SESSION_COOKIE, ""))
    address = request.client.host if request.client else ""
    attempt = LoginTry(name=person.name, address=address, browser=session)
    admission = logins.admit(attempt, asked_us)
    if admission.begins:
        note_wait(parts.database, person.name, admission.wait, now_us)
    if admission.wait.wait_us:
        time = duration(words.lang, admission.wait.wait_us)
        raise HTTPException(TOO_MANY, words.t("login.too_often", time=time))
    try:
        proved = confirm(parts.database, person.name, password, now_us, vault=vault, code=code)
    except PasswordsBusy as error:
        logins.give_back(attempt, asked_us)
        raise HTTPException(TOO_MANY, words.t("login.busy", time=duration(words.lang, BUSY_US))) from error
    if proved is None:
        raise HTTPException(403, words.t("approval.refused.proof"))
    logins.succeeded(attempt, asked_us)
    return Confirmation(
        proof=proved.proof, session=session, by_command_line=proved.set_by == audit.COMMAND_LINE
    )
