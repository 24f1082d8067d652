"""The shift: the main courante with its hand-over, and who is on call now and ahead."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, HTTPException
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from fleet.durations import DAY_US
from fleet.identity.people import Person, Role
from fleet.intake.mail_in import raw_mail
from fleet.oncall import planning, store
from fleet.shift import log as shift
from fleet.shift.log import EntryKind, EntryRefused
from fleet.web.access import form_guard, operator
from fleet.web.typed import Line, Paragraph
from fleet.web.visit import Viewing, Visit

router = APIRouter()
Acting = Annotated[Person, Depends(operator)]
Guarded: Any = [Depends(form_guard)]
SEE_OTHER = 303
ADDRESS = "/main-courante"
WRITTEN_KINDS = (EntryKind.NOTE, EntryKind.FOLLOW)
"""What a person writes; hand-overs have a form of their own."""


@router.get(ADDRESS, response_class=HTMLResponse, include_in_schema=False)
def show(visit: Viewing, avant: int | None = None) -> HTMLResponse:
    """Show the log of the shift, newest first."""
    return _page(visit, avant)


def _page(visit: Visit, before_id: int | None = None, *, refused: str = "", typed: str = "") -> HTMLResponse:
    with visit.database.read() as connection:
        return visit.page(
            "pages/shift.html",
            connection,
            status=422 if refused else 200,
            waiting=shift.open_entries(connection),
            entries=shift.entries(connection, before_id),
            full=shift.PAGE_LIMIT_ROWS,
            kinds=[(kind.value, visit.words.t(f"shift.{kind}")) for kind in WRITTEN_KINDS],
            may_write=visit.person is not None and visit.person.may(Role.OPERATOR),
            refused=refused,
            typed=typed,
        )


@router.post(ADDRESS, dependencies=Guarded, include_in_schema=False)
def write(
    visit: Viewing,
    person: Acting,
    kind: Annotated[EntryKind, Form()],
    text: Annotated[Paragraph, Form()] = "",
) -> Response:
    """Add an entry."""
    try:
        with visit.database.write() as connection:
            shift.write(connection, kind=kind, text=text, who=person.name, now_us=visit.now_us)
    except EntryRefused as error:
        return _page(visit, refused=str(error), typed=text)
    return RedirectResponse(ADDRESS, SEE_OTHER)


@router.post(f"{ADDRESS}/releve", dependencies=Guarded, include_in_schema=False)
def hand_over(
    visit: Viewing, person: Acting, to: Annotated[Line, Form()] = "", words: Annotated[Paragraph, Form()] = ""
) -> Response:
    """Hand the shift over."""
    try:
        with visit.database.write() as connection:
            shift.hand_over(connection, by=person.name, to=to, words=words, now_us=visit.now_us)
    except EntryRefused as error:
        return _page(visit, refused=str(error), typed=words)
    return RedirectResponse(ADDRESS, SEE_OTHER)


@router.get(f"{ADDRESS}/courriels/{{key}}.eml", include_in_schema=False)
def mail(key: str, visit: Viewing, _: Acting) -> Response:
    """Hand out a mail as it came, for a mail program: a page never shows what a stranger wrote as a page."""
    with visit.database.read() as connection:
        raw = raw_mail(connection, key)
    if raw is None:
        raise HTTPException(404)
    headers = {"Content-Disposition": f'attachment; filename="{key[:12]}.eml"'}
    return Response(raw, media_type="message/rfc822", headers=headers)


@router.post(f"{ADDRESS}/{{entry_id}}/regler", dependencies=Guarded, include_in_schema=False)
def settle(entry_id: int, visit: Viewing, person: Acting) -> Response:
    """Settle an open entry."""
    with visit.database.write() as connection:
        if not shift.settle(connection, entry_id, who=person.name, now_us=visit.now_us):
            raise HTTPException(404)
    return RedirectResponse(ADDRESS, SEE_OTHER)


SOURCES = ("override", "holiday", "span", "gap")
AHEAD_LIMIT = 40
"""Pieces of the plan that are listed."""


@router.get("/astreinte", response_class=HTMLResponse)
def on_call(visit: Viewing) -> HTMLResponse:
    """Show the plan."""
    now_us = visit.now_us
    until_us = now_us + planning.LOOK_AHEAD_DAYS * DAY_US
    with visit.database.read() as connection:
        people, rota = store.everybody(connection), store.rota(connection)
        duties = [one for one in planning.plan(rota, now_us, until_us) if one.person_id in people]
        return visit.page(
            "pages/duty.html",
            connection,
            on_call=store.on_call_now(connection, now_us),
            people=people,
            duties=duties[:AHEAD_LIMIT],
            holes=planning.holes(rota, now_us, until_us),
            sources=SOURCES,
        )
