"""A call or a mail becomes a ticket."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection

from fleet.identity.people import Person
from fleet.incidents.context import CycleContext
from fleet.intake import calls as reported
from fleet.intake.calls import Call, CallRefused
from fleet.lang.text import collation
from fleet.tickets.model import Criticality, Origin
from fleet.web.access import form_guard, technician
from fleet.web.pages.works import paris_us
from fleet.web.typed import Line, Paragraph
from fleet.web.visit import Viewing, Visit, leave_toast
from fleet.works.announce import WorksRefused

router = APIRouter()
SEE_OTHER = 303
FIELDS = {"commune_insee": "commune", "text": "text", "origin": "origin", "reported_at_us": "at"}
"""Field of a refusal → field of the form."""
Acting = Annotated[Person, Depends(technician)]
Text = Annotated[Paragraph, Form(max_length=1000)]


@router.get("/tickets/nouveau", response_class=HTMLResponse)
def form(visit: Viewing, person: Acting) -> HTMLResponse:
    """Show the form."""
    del person
    with visit.database.read() as connection:
        return _page(visit, connection, {}, "", "")


def _page(
    visit: Visit, connection: Connection, typed: dict[str, str], field: str, problem: str
) -> HTMLResponse:
    communes = sorted(visit.network.communes.values(), key=lambda one: collation(one.name))
    return visit.page(
        "pages/call.html",
        connection,
        status=422 if problem else 200,
        communes=[("", "—"), *((one.insee, one.name) for one in communes)],
        origins=[(one.value, visit.words.t(f"origin.{one}")) for one in (Origin.PHONE, Origin.MAIL)],
        criticalities=[
            (one.value, visit.words.t(f"criticality.{one}")) for one in reversed(list(Criticality))
        ],
        typed=typed,
        errors={field: problem} if problem else {},
    )


@router.post("/tickets/nouveau", dependencies=[Depends(form_guard)])
def enter(
    visit: Viewing,
    person: Acting,
    *,
    origin: Annotated[Origin, Form()],
    commune: Annotated[Line, Form(max_length=5)] = "",
    caller: Text = "",
    text: Text = "",
    at: Annotated[Line, Form(max_length=25)] = "",
    criticality: Annotated[Criticality, Form()] = Criticality.MINOR,
) -> Response:
    """Open a ticket, or join the one that is known there."""
    typed: dict[str, Any] = {"origin": origin, "commune": commune, "caller": caller, "text": text}
    typed |= {"at": at, "criticality": criticality}
    try:
        call = Call(
            origin=origin,
            commune_insee=commune,
            text=text.strip(),
            caller=caller.strip(),
            reported_at_us=paris_us(at, "at") if at else visit.now_us,
            who=person.name,
            criticality=criticality,
        )
        with visit.database.write() as connection:
            ticket = reported.enter(CycleContext(connection, visit.network, visit.now_us), call)
    except CallRefused as error:
        field, wrong = FIELDS.get(error.field, "text"), visit.words.refusal(error)
    except WorksRefused as error:
        field, wrong = "at", visit.words.t(error.key)
    else:
        answer = RedirectResponse(f"/tickets/{ticket.id}", SEE_OTHER)
        return leave_toast(answer, "toast.call", number=ticket.id)
    with visit.database.read() as connection:
        return _page(visit, connection, typed, field, wrong)
