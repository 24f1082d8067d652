"""People and roles: accounts of this machine, for administrators."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection, select

from fleet.identity.people import Person, PersonError, Role, set_user
from fleet.identity.tables import users
from fleet.web.access import administrator, form_guard
from fleet.web.visit import Viewing, Visit, leave_toast

router = APIRouter()
SEE_OTHER = 303
Administering = Annotated[Person, Depends(administrator)]


@router.get("/personnes", response_class=HTMLResponse)
def page(visit: Viewing, person: Administering) -> HTMLResponse:
    """Show the accounts."""
    del person
    with visit.database.read() as connection:
        return _page(visit, connection, {}, "")


def _page(visit: Visit, connection: Connection, typed: dict[str, str], problem: str) -> HTMLResponse:
    columns = (users.c.name, users.c.role, users.c.created_at_us, users.c.disabled_at_us)
    rows = [dict(row) for row in connection.execute(select(*columns).order_by(users.c.name)).mappings()]
    roles = [(role.value, visit.words.t(f"role.{role}")) for role in Role]
    status = 422 if problem else 200
    return visit.page(
        "pages/people.html", connection, status=status, rows=rows, roles=roles, typed=typed, problem=problem
    )


@router.post("/personnes", dependencies=[Depends(form_guard)])
def save(
    visit: Viewing,
    person: Administering,
    name: Annotated[str, Form(max_length=200)] = "",
    role: Annotated[str, Form(max_length=20)] = "",
    password: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Add a person, or replace role and password."""
    with visit.database.write() as connection:
        try:
            set_user(
                connection, name=name, role=role, password=password, who=person.name, now_us=visit.now_us
            )
        except PersonError as error:
            problem = visit.words.t("people.refused", why=visit.words.refusal(str(error)))
            return _page(visit, connection, {"name": name, "role": role}, problem)
    return leave_toast(RedirectResponse("/personnes", SEE_OTHER), "toast.person", name=name.strip())
