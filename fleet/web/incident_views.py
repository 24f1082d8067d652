"""Incidents as pages and the API read them: whole, with ticket, timeline and messages."""

from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select

from fleet.incidents.model import Domain, IncidentState
from fleet.incidents.sites import sites_of
from fleet.incidents.store import Finding, findings
from fleet.incidents.tables import incident_events, incident_gateways, incidents
from fleet.notify import outbox
from fleet.notify.model import Notification
from fleet.paging.worksites import needs_of
from fleet.tickets import store as tickets
from fleet.tickets.model import Criticality
from fleet.tickets.store import TicketEvent, TicketView

PAGE_LIMIT_ROWS = 500
"""Incidents of one page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentLine:
    """One incident in a list."""

    id: int
    state: IncidentState
    domain: Domain
    value: str
    criticality: Criticality
    reason: str
    communes: tuple[str, ...]
    began_at_us: int
    opened_at_us: int
    ended_at_us: int | None
    merged_into: int | None
    gateways: int
    failing: int
    ticket: TicketView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentEvent:
    """What was known when."""

    at_us: int
    kind: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberLine:
    """One gateway's part."""

    eui: str
    since_us: int
    restored_us: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketPage:
    """All about one ticket."""

    shown: TicketView
    events: tuple[TicketEvent, ...]
    notifications: tuple[Notification, ...]
    incident: IncidentLine | None
    timeline: tuple[IncidentEvent, ...]
    members: tuple[MemberLine, ...]
    findings: tuple[Finding, ...] = ()
    """Cause, criticality and reach as they were known, oldest first."""
    needs: tuple[str, ...] = ()
    """What an intervention takes: key, work at height, …"""


def open_incidents(connection: Connection, now_us: int) -> tuple[IncidentLine, ...]:
    """Return open incidents, those with the least time left first."""
    found = _lines(connection, incidents.c.state == IncidentState.OPEN, now_us)
    return tuple(sorted(found, key=_urgency))


def recent_incidents(
    connection: Connection, now_us: int, before_id: int | None = None
) -> tuple[IncidentLine, ...]:
    """Return incidents of any state, newest first, one page."""
    limit = incidents.c.id < before_id if before_id is not None else incidents.c.id > 0
    return tuple(reversed(_lines(connection, limit, now_us)))


def ticket_page(connection: Connection, ticket_id: int, now_us: int) -> TicketPage:
    """Return all about one ticket.

    Raises:
        fleet.tickets.store.NoSuchTicket: the number is not known.
    """
    ticket = tickets.get(connection, ticket_id)
    lines: list[IncidentLine] = []
    if ticket.incident_id is not None:
        lines = _lines(connection, incidents.c.id == ticket.incident_id, now_us)
    present = members(connection, lines[0].id) if lines else ()
    return TicketPage(
        shown=tickets.view(ticket, now_us),
        events=tickets.events(connection, ticket_id),
        notifications=outbox.of_ticket(connection, ticket_id),
        incident=lines[0] if lines else None,
        timeline=timeline(connection, lines[0].id) if lines else (),
        members=present,
        findings=findings(connection, lines[0].id) if lines else (),
        needs=needs_of(connection, sites_of(connection, ticket).to_work_at),
    )


def timeline(connection: Connection, incident_id: int) -> tuple[IncidentEvent, ...]:
    """Return what was known when, oldest first."""
    query = select(incident_events).where(incident_events.c.incident_id == incident_id)
    rows = connection.execute(query.order_by(incident_events.c.id)).mappings()
    return tuple(IncidentEvent(at_us=row["at_us"], kind=row["kind"], detail=row["detail"]) for row in rows)


def members(connection: Connection, incident_id: int) -> tuple[MemberLine, ...]:
    """Return the gateways of an incident, those still lost first."""
    columns = incident_gateways.c
    query = select(columns.eui, columns.since_us, columns.restored_us).where(
        columns.incident_id == incident_id
    )
    found = [MemberLine(**row) for row in connection.execute(query).mappings()]
    return tuple(sorted(found, key=lambda line: (line.restored_us is not None, line.since_us, line.eui)))


def _urgency(line: IncidentLine) -> tuple[int, int]:
    if line.ticket is None:
        return line.criticality.weight, line.began_at_us
    clock = line.ticket.resolution if line.ticket.ticket.on_site_at_us else line.ticket.intervention
    return 0, clock.left_us


def _lines(connection: Connection, where: Any, now_us: int) -> list[IncidentLine]:
    query = select(incidents).where(where).order_by(incidents.c.id.desc()).limit(PAGE_LIMIT_ROWS)
    rows = list(reversed(connection.execute(query).mappings().all()))
    counts = _counts(connection, [row["id"] for row in rows])
    return [_line(connection, row, counts.get(row["id"], (0, 0)), now_us) for row in rows]


def _counts(connection: Connection, ids: list[int]) -> dict[int, tuple[int, int]]:
    columns = incident_gateways.c
    back = func.count(columns.restored_us)
    query = select(columns.incident_id, func.count(), back).where(columns.incident_id.in_(ids))
    rows = connection.execute(query.group_by(columns.incident_id))
    return {incident_id: (total, total - restored) for incident_id, total, restored in rows}


def _line(connection: Connection, row: RowMapping, count: tuple[int, int], now_us: int) -> IncidentLine:
    ticket = tickets.of_incident(connection, row["id"])
    skipped = {"domain", "state", "criticality", "communes", "gateways", "failing", "ticket"}
    plain = {field.name: row[field.name] for field in fields(IncidentLine) if field.name not in skipped}
    return IncidentLine(
        **plain,
        state=IncidentState(row["state"]),
        domain=Domain(row["domain"]),
        criticality=Criticality(row["criticality"]),
        communes=tuple(row["communes"]),
        gateways=count[0],
        failing=count[1],
        ticket=None if ticket is None else tickets.view(ticket, now_us),
    )
