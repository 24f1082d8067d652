"""Spare parts: what lies where, what must be ordered, and the form that notes what came."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection

from fleet.identity import audit
from fleet.identity.people import Person, Role
from fleet.lang.text import collation
from fleet.tickets import parts
from fleet.tickets.parts import PartRefused
from fleet.web.access import form_guard, operator
from fleet.web.typed import Line
from fleet.web.visit import Viewing, Visit, leave_toast

router = APIRouter()
SEE_OTHER = 303
Operating = Annotated[Person, Depends(operator)]
Text = Annotated[Line, Form(max_length=200)]


@router.get("/pieces", response_class=HTMLResponse)
def page(visit: Viewing) -> HTMLResponse:
    """Show the stock, what must be ordered first."""
    with visit.database.read() as connection:
        return _page(visit, connection, {}, refused=False)


def _page(visit: Visit, connection: Connection, typed: dict[str, str], *, refused: bool) -> HTMLResponse:
    rows = sorted(parts.stock(connection), key=lambda one: (not one.low, one.depot, collation(one.name)))
    may = visit.person is not None and visit.person.may(Role.OPERATOR)
    status = 422 if refused else 200
    return visit.page(
        "pages/parts.html", connection, status=status, rows=rows, may_write=may, typed=typed, refused=refused
    )


@router.post("/pieces", dependencies=[Depends(form_guard)])
def receive(
    visit: Viewing,
    person: Operating,
    *,
    depot: Text = "",
    name: Text = "",
    change: Text = "",
    limit: Text = "",
) -> Response:
    """Note what came to a depot, or went."""
    typed = {"depot": depot, "name": name, "change": change, "limit": limit}
    try:
        values: dict[str, Any] = {"change": int(change or "0"), "low_limit": int(limit) if limit else None}
        with visit.database.write() as connection:
            found = parts.receive(
                connection, depot=depot, name=name, who=person.name, now_us=visit.now_us, **values
            )
            audit.record(
                connection,
                now_us=visit.now_us,
                who=person.name,
                action="parts.receive",
                subject=found.name,
                after={"depot": found.depot, "change": values["change"], "count": found.count},
            )
    except (PartRefused, ValueError):
        with visit.database.read() as connection:
            return _page(visit, connection, typed, refused=True)
    return leave_toast(RedirectResponse("/pieces", SEE_OTHER), "toast.parts", name=found.name)
