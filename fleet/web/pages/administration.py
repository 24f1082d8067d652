"""Administrators' pages: who may what, who did what, and which messages were refused."""

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection, select

from fleet.evidence.clock_events import newest_events
from fleet.evidence.tables import refused_messages
from fleet.identity.passwords import PasswordsBusy
from fleet.identity.people import Person, PersonError, Role, account_of, set_user
from fleet.identity.tables import audit_log, users
from fleet.web.access import administrator, form_guard
from fleet.web.typed import Line, Secret
from fleet.web.visit import Viewing, Visit, leave_toast

router = APIRouter()
SEE_OTHER = 303
PAGE_ROWS = 100
DETAIL_LIMIT = 240
"""Characters of one line's detail; the rest is in the database."""
Administering = Annotated[Person, Depends(administrator)]


@router.get("/personnes", response_class=HTMLResponse)
def people(visit: Viewing, person: Administering) -> HTMLResponse:
    """Show the accounts."""
    del person
    with visit.database.read() as connection:
        return _people(visit, connection, {}, "")


def _people(visit: Visit, connection: Connection, typed: dict[str, str], problem: str) -> HTMLResponse:
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
    name: Annotated[Line, Form(max_length=200)] = "",
    role: Annotated[Line, Form(max_length=20)] = "",
    password: Annotated[Secret, Form(max_length=2000)] = "",
) -> Response:
    """Add a person, or replace role and password."""
    try:
        account = account_of(name=name, role=role, password=password)
    except PersonError as error:
        problem = visit.words.t("people.refused", why=visit.words.refusal(error))
        with visit.database.read() as connection:
            return _people(visit, connection, {"name": name, "role": role}, problem)
    except PasswordsBusy as error:
        raise HTTPException(503) from error
    with visit.database.write() as connection:
        set_user(connection, account, who=person.name, now_us=visit.now_us)
    return leave_toast(RedirectResponse("/personnes", SEE_OTHER), "toast.person", name=name.strip())


@router.get("/journal", response_class=HTMLResponse)
def trail(visit: Viewing, avant: int | None = None) -> HTMLResponse:
    """Show one page of the audit trail, newest first."""
    query = select(audit_log).order_by(audit_log.c.id.desc()).limit(PAGE_ROWS)
    if avant is not None:
        query = query.where(audit_log.c.id < avant)
    with visit.database.read() as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
        for row in rows:
            row["detail"] = _detail(row["after"])
        older = f"/journal?avant={rows[-1]['id']}" if len(rows) == PAGE_ROWS else ""
        clock = [] if avant is not None else _clock(visit, connection)
        return visit.page("pages/audit.html", connection, rows=rows, older=older, clock=clock)


def _clock(visit: Visit, connection: Connection) -> list[dict[str, object]]:
    """Return what happened to our clock, newest first."""
    return [
        {
            "at_us": event.at_us,
            "change": event.change,
            "quality": event.quality,
            "ahead": _signed(visit, event.difference_us),
        }
        for event in newest_events(connection)
    ]


def _signed(visit: Visit, difference_us: int) -> str:
    length = visit.words.calm(abs(difference_us))
    return f"−{length}" if difference_us < 0 else length


def _detail(after: object) -> str:
    if not isinstance(after, dict):
        return ""
    said = (
        f"{name} {value if isinstance(value, str) else json.dumps(value)}" for name, value in after.items()
    )
    text = " · ".join(said)
    return text if len(text) <= DETAIL_LIMIT else text[: DETAIL_LIMIT - 1] + "…"


@router.get("/messages-refuses", response_class=HTMLResponse)
def refused(visit: Viewing, avant: int | None = None) -> HTMLResponse:
    """Show one page of messages that could not serve as evidence, newest first."""
    columns = [
        refused_messages.c[name] for name in ("id", "topic", "payload_bytes", "reason", "recorded_at_us")
    ]
    query = select(*columns).order_by(refused_messages.c.id.desc()).limit(PAGE_ROWS)
    if avant is not None:
        query = query.where(refused_messages.c.id < avant)
    with visit.database.read() as connection:
        rows = connection.execute(query).mappings().all()
        older = f"/messages-refuses?avant={rows[-1]['id']}" if len(rows) == PAGE_ROWS else ""
        return visit.page("pages/refused.html", connection, rows=rows, older=older)
