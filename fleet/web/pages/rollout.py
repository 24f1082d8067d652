"""One rollout: its waves, each gateway with its reason, and what people tell it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, HTTPException
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from fleet.approvals.model import RequestKind
from fleet.approvals.store import of_subject
from fleet.identity.people import Person, Role
from fleet.registry.store import load_gateways
from fleet.rollouts import store
from fleet.rollouts.authorised import subject_of
from fleet.rollouts.judging import ruling_of
from fleet.rollouts.revoking import revoke_rollout
from fleet.rollouts.start import REASON_LIMIT_CHARACTERS, Order, RolloutRefused, give
from fleet.rollouts.summaries import summary_of
from fleet.rollouts.words import refused_in_words, ruling_in_words
from fleet.web.access import form_guard, operator
from fleet.web.typed import Line
from fleet.web.views import rollouts as views
from fleet.web.views.requests import line_of
from fleet.web.visit import Viewing, leave_toast

router = APIRouter()
SEE_OTHER = 303
ORDERS = {
    "pause": Order.PAUSE,
    "reprise": Order.RESUME,
    "arret": Order.HALT,
    "retour": Order.ROLL_BACK,
    "acceptation": Order.ACCEPT,
}
"""Last part of the address of each order."""


@router.get("/deploiements/{number:int}", response_class=HTMLResponse)
def page(number: int, visit: Viewing, step: str = "") -> HTMLResponse:
    """Show one rollout; ``step`` filters its gateways."""
    with visit.database.read() as connection:
        stored = store.get(connection, number)
        if stored is None:
            raise HTTPException(404, visit.words.t("rollout.refused.unknown", number=number))
        ruling = ruling_of(stored)
        request = of_subject(connection, RequestKind.ROLLOUT, subject_of(number))
        names = {one.eui: one.name for one in load_gateways(connection)}
        rows = views.gateway_rows(visit.words, stored, names)
        return visit.page(
            "pages/rollout.html",
            connection,
            one=views.rollout_row(visit.words, summary_of(stored)),
            waves=views.wave_states(visit.words, stored),
            ruling=ruling,
            verdicts=ruling_in_words(visit.lang, ruling),
            changes=stored.changes,
            request_line=line_of(visit.words, request, visit.person)
            if request is not None and request.needs_second
            else None,
            rows=[row for row in rows if not step or row.step == step][: views.LISTED_LIMIT],
            total=len(rows),
            steps=views.step_counts(visit.words, stored),
            step=step,
            orders=views.orders_of(stored),
            revoked_at_us=stored.revoked_at_us,
            may_push=visit.person is not None and visit.person.may(Role.OPERATOR),
        )


@router.post("/deploiements/{number:int}/{word}", dependencies=[Depends(form_guard)])
def order(
    number: int,
    word: str,
    visit: Viewing,
    person: Annotated[Person, Depends(operator)],
    reason: Annotated[Line, Form(max_length=REASON_LIMIT_CHARACTERS)] = "",
) -> Response:
    """Pause, resume, accept, halt, roll back, or revoke for good."""
    if word not in ORDERS and word != views.REVOCATION:
        raise HTTPException(404)
    by: dict[str, Any] = {"who": person.name, "now_us": visit.now_us, "reason": reason.strip()}
    try:
        with visit.database.write() as connection:
            if word == views.REVOCATION:
                revoke_rollout(connection, number, **by)
            else:
                give(connection, number, ORDERS[word], **by)
    except RolloutRefused as error:
        raise HTTPException(409, refused_in_words(visit.lang, error)) from error
    done = ORDERS[word].value if word in ORDERS else "revoke"
    return leave_toast(RedirectResponse(f"/deploiements/{number}", SEE_OTHER), f"toast.rollout.{done}")
