"""Works and maintenance: what is announced, and the form that announces."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, HTTPException
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection

from fleet.facts.months import Window
from fleet.identity import audit
from fleet.identity.people import Person, Role
from fleet.lang.paris import instant_us
from fleet.registry.store import load_registry
from fleet.safety.model import LIMITS
from fleet.web.access import form_guard, operator
from fleet.web.pages.stopping import asked, refusals_in_words
from fleet.web.typed import Line
from fleet.web.visit import Viewing, Visit, leave_toast
from fleet.works import announce as works
from fleet.works.announce import Works, WorksRefused

router = APIRouter()
SEE_OTHER = 303


@router.get("/travaux", response_class=HTMLResponse)
def page(visit: Viewing) -> HTMLResponse:
    """Show what is announced."""
    with visit.database.read() as connection:
        return _page(visit, connection)


def _page(
    visit: Visit,
    connection: Connection,
    *,
    typed: dict[str, Any] | None = None,
    wrong: WorksRefused | None = None,
    dark: Sequence[str] = (),
) -> HTMLResponse:
    registry = load_registry(connection)
    rows = [
        {
            "id": one.id,
            "from_us": one.start_us,
            "until_us": one.end_us,
            "names": [registry.gateways[eui].name for eui in one.euis if eui in registry.gateways],
            "reason": one.reason,
            "who": one.approved_by,
            "excuses": one.recorded_at_us + visit.contract.maintenance_notice_us <= one.start_us,
            "withdrawn": one.withdrawn,
        }
        for one in works.present_and_ahead(connection, visit.now_us)
    ]
    return visit.page(
        "pages/works.html",
        connection,
        status=422 if wrong else 200,
        rows=rows,
        gateways=list(registry.gateways.values()),
        may_plan=visit.person is not None and visit.person.may(Role.OPERATOR),
        typed={"from": "", "until": "", "reason": "", "euis": [], "despite": ""} | (typed or {}),
        dark=dark,
        errors={wrong.field: visit.words.t(wrong.key)} if wrong else {},
        notice_us=visit.contract.maintenance_notice_us,
        cap_us=visit.contract.maintenance_cap_us,
    )


def paris_us(text: str, field: str) -> int:
    """Return the instant of ``2026-11-22T14:30`` in Paris.

    Raises:
        WorksRefused: not a moment; ``field`` is named.
    """
    try:
        return instant_us(datetime.fromisoformat(text))
    except ValueError as error:
        raise WorksRefused(field, "works.refused.moment") from error


Planning = Annotated[Person, Depends(operator)]
Guarded: Any = [Depends(form_guard)]


@router.post("/travaux", dependencies=Guarded)
def announce(
    visit: Viewing,
    person: Planning,
    *,
    begin: Annotated[Line, Form(alias="from", max_length=25)] = "",
    until: Annotated[Line, Form(max_length=25)] = "",
    reason: Annotated[Line, Form(max_length=1000)] = "",
    euis: Annotated[list[Line] | None, Form()] = None,
    despite: Annotated[Line, Form(max_length=300)] = "",
) -> Response:
    """Announce a window; one that leaves somebody without service only with a reason."""
    typed = {"from": begin, "until": until, "reason": reason, "euis": euis or [], "despite": despite}
    with visit.database.read() as connection:
        known = load_registry(connection).gateways
    chosen = tuple(eui for eui in euis or [] if eui in known)
    try:
        planned = Works(
            euis=chosen,
            from_us=paris_us(begin, "from"),
            until_us=paris_us(until, "until"),
            reason=reason,
        )
        works.check(planned, visit.now_us)
        dark = _dark(visit, planned)
        if dark and not despite.strip():
            raise WorksRefused("despite", "works.refused.dark")
        with visit.database.write() as connection:
            number = works.announce(
                connection, planned, who=person.name, now_us=visit.now_us, settings=visit.contract
            )
            if dark:
                after = {"reason": despite.strip(), "despite": dark}
                audit.record(
                    connection,
                    now_us=visit.now_us,
                    who=person.name,
                    action="works.despite",
                    subject=f"works {number}",
                    after=after,
                )
    except WorksRefused as error:
        with visit.database.read() as connection:
            dark = _dark(visit, planned) if error.field == "despite" else []
            return _page(visit, connection, typed=typed, wrong=error, dark=dark)
    return leave_toast(RedirectResponse("/travaux", SEE_OTHER), "toast.works", count=len(chosen))


def _dark(visit: Visit, planned: Works) -> list[str]:
    """Return who would be without service, in words."""
    window = Window(max(planned.from_us, visit.now_us), planned.until_us)
    return refusals_in_words(visit, asked(visit, planned.euis, window, LIMITS))


@router.post("/travaux/{number}/retirer", dependencies=Guarded)
def withdraw(number: int, visit: Viewing, person: Planning) -> Response:
    """Withdraw a window."""
    with visit.database.write() as connection:
        if not works.withdraw(connection, number, who=person.name, now_us=visit.now_us):
            raise HTTPException(404)
    return leave_toast(RedirectResponse("/travaux", SEE_OTHER), "toast.works_withdrawn")
