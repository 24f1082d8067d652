"""What a month came to: figures so far, reports, how the clocks were kept, which objects were heard."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection, func, select

from fleet.durations import DAY_US
from fleet.facts.months import closes_at_us, month_around, months_between
from fleet.identity.people import Person, Role
from fleet.lang.paris import paris
from fleet.months.closing import NotYetError, Version
from fleet.months.versions import list_versions, store_version
from fleet.notify import outbox
from fleet.objects.counting import month_connectivity
from fleet.registry.store import load_communes
from fleet.registry.tables import commissioning
from fleet.tickets import joining
from fleet.tickets.statistics import statistics
from fleet.web.access import form_guard, operator
from fleet.web.views import months
from fleet.web.views.tables import csv_text
from fleet.web.visit import Viewing, Visit, leave_toast

router = APIRouter()
SEE_OTHER = 303
MONTHS_LIMIT = 36
"""Months whose reports are offered; older ones by their address."""


@router.get("/rapports", response_class=HTMLResponse)
def page(visit: Viewing, csv: bool = False) -> Response:
    """Show the month so far as the report will tell it."""
    result = visit.past.month
    with visit.database.read() as connection:
        communes = {one.insee: one for one in load_communes(connection)}
        month = months.view_of(result, communes, visit.standing)
        if csv:
            text = csv_text(visit.lang, months.columns(visit.words), month.communes)
            return visit.csv(f"communes-{month.month}", text)
        return visit.page(
            "pages/reports.html",
            connection,
            month=month,
            settings=visit.contract,
            months=_months(connection, visit.now_us),
            versions=list_versions(connection),
            may_close=visit.person is not None and visit.person.may(Role.OPERATOR),
            epcis=sorted({one.epci for one in communes.values() if one.epci}),
        )


def _months(connection: Connection, now_us: int) -> list[str]:
    """Return the months since the first acceptance, the newest first."""
    first_us = connection.scalar(select(func.min(commissioning.c.at_us)))
    found = [] if first_us is None else months_between(first_us, now_us)
    return list(reversed(found))[:MONTHS_LIMIT]


@router.post("/rapports/{month}/clore", dependencies=[Depends(form_guard)])
def close(month: str, visit: Viewing, person: Annotated[Person, Depends(operator)]) -> Response:
    """Close a month, or close it again with what came late; said who, in the audit trail."""
    try:
        made = _closed(visit, month, person.name)
    except NotYetError as error:
        due = visit.words.moment(closes_at_us(month))
        raise HTTPException(409, visit.words.t("reports.too_early", due=due)) from error
    answer = RedirectResponse("/rapports", SEE_OTHER)
    if made is None:
        return leave_toast(answer, "toast.month_same", month=month)
    return leave_toast(answer, "toast.month_closed", month=month, number=made.number)


def _closed(visit: Visit, month: str, who: str) -> Version | None:
    """Reckon the version of a month, which takes seconds, then store it."""
    with visit.database.read() as connection:
        if month not in _months(connection, visit.now_us):
            raise HTTPException(404)
    version = visit.parts.child.next_version(month, visit.now_us)
    if version is None:
        return None
    with visit.database.write() as connection:
        return store_version(connection, version, who=who, now_us=visit.now_us)


HALF_MONTH_US = 15 * DAY_US


@router.get("/statistiques", response_class=HTMLResponse)
def interventions(visit: Viewing, a: int | None = None) -> HTMLResponse:
    """Show the Paris month around an instant; at present without one."""
    at_us = visit.now_us if a is None else min(max(a, 0), visit.now_us)
    month = month_around(at_us)
    begin, end = month.start_us, month.end_us
    with visit.database.read() as connection:
        found = statistics(joining.between(connection, begin, end), visit.now_us)
        return visit.page(
            "pages/statistics.html",
            connection,
            found=found,
            withdrawn=outbox.withdrawn(connection, begin, end),
            begin_us=begin,
            before_us=begin - HALF_MONTH_US,
            after_us=end + HALF_MONTH_US if end < visit.now_us else None,
        )


@router.get("/objets", response_class=HTMLResponse)
def objects(
    visit: Viewing, mois: Annotated[str, Query(pattern=r"^(\d{4}-(0[1-9]|1[0-2]))?$")] = ""
) -> HTMLResponse:
    """Show one month; the present one by default."""
    month = mois or f"{paris(visit.now_us):%Y-%m}"
    with visit.database.read() as connection:
        found = month_connectivity(connection, month, visit.now_us)
        return visit.page("pages/connectivity.html", connection, month=month, found=found)
