"""Tickets as lines: the list, most urgent first; each in the words of the messages about it."""

from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Connection

from fleet.incidents.context import CycleContext
from fleet.incidents.store import Finding
from fleet.notify.compose import Occasion, Subject
from fleet.paging.subjects import described, subject
from fleet.tickets import store as tickets
from fleet.tickets.model import Criticality, Ticket
from fleet.tickets.store import TicketView
from fleet.web.pages import listing
from fleet.web.views.tickets import TicketLine, columns, export_columns, line_of
from fleet.web.visit import Viewing, Visit

WORDED_LIMIT: Final = 50
"""Tickets of one list that are put in words; the rest goes by its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketWords:
    """A ticket in words."""

    title: str
    cause: str
    about: Subject | None


def words_of_ticket(visit: Visit, connection: Connection, ticket: Ticket) -> TicketWords:
    """Return what a ticket is about; what somebody called in is told in their words."""
    if ticket.incident_id is None:
        return TicketWords(title=ticket.title, cause="", about=None)
    context = CycleContext(connection, visit.network, visit.now_us)
    about = subject(context, ticket, occasion=Occasion.OPENED, lang=visit.lang)
    title = visit.words.t(f"ticket.what.{about.what}", where=about.where)
    cause = visit.words.t(f"message.cause.{about.cause}", count=about.gateways, value=about.cause_known)
    return TicketWords(title=title, cause=cause, about=about)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingLine:
    """What was known of an incident from an instant on, in words."""

    at_us: int
    criticality: Criticality
    title: str
    cause: str


def words_of_findings(
    visit: Visit, connection: Connection, found: tuple[Finding, ...], gateways: int
) -> list[FindingLine]:
    """Return what was known when, oldest first; growth alone makes no line of its own."""
    lines: list[FindingLine] = []
    newest: Finding | None = None
    for one in found:
        known = described(connection, visit.network, one, visit.lang)
        grown = newest is not None and _kind(newest) == _kind(one)
        line = FindingLine(
            at_us=lines[-1].at_us if grown else one.at_us,
            criticality=one.grade.criticality,
            title=visit.words.t(f"ticket.what.{known.what}", where=known.where),
            cause=visit.words.t(f"message.cause.{known.cause}", count=gateways, value=known.cause_known),
        )
        lines[len(lines) - grown :] = [line]
        newest = one
    return lines


def _kind(found: Finding) -> tuple[object, ...]:
    return found.cause, found.proved, found.grade.criticality, found.grade.reason


def lines_of(visit: Visit, connection: Connection, shown: tuple[TicketView, ...]) -> list[TicketLine]:
    """Return tickets as lines, the first ones in words."""
    lines = []
    for index, one in enumerate(shown):
        words = words_of_ticket(visit, connection, one.ticket) if index < WORDED_LIMIT else None
        lines.append(line_of(one, title=words.title if words else "", cause=words.cause if words else ""))
    return lines


router = APIRouter()


@router.get("/incidents", response_class=HTMLResponse)
def table(visit: Viewing, tous: bool = False) -> Response:
    """Show open tickets, or all."""
    with visit.database.read() as connection:
        load = tickets.recent if tous else tickets.open_tickets
        lines = lines_of(visit, connection, load(connection, visit.now_us))
        shown = listing.Table(
            template="pages/incidents.html",
            filename="tickets",
            columns=columns(),
            export_columns=export_columns,
            order="-id" if tous else "intervention",
        )
        return listing.answer(visit, connection, shown, lines, all=tous)
