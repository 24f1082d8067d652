"""Tickets in the database: load, save with an audit line, query for pages.  No decisions."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from fleet.tickets.clocks import RESOLUTION_LIMIT_US, ClockNow, intervention, resolution
from fleet.tickets.model import (
    Act,
    Close,
    Criticality,
    FieldReport,
    NewTicket,
    Origin,
    Pause,
    PauseReason,
    Ticket,
    TicketState,
)
from fleet.tickets.tables import ticket_events, ticket_pauses, tickets

PAGE_LIMIT_ROWS = 500
"""Rows of one page of tickets; the rest is behind ``before_id``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketEvent:
    """One line of the audit trail."""

    at_us: int
    recorded_at_us: int
    kind: str
    who: str
    via: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketView:
    """A ticket with its clocks at an instant."""

    ticket: Ticket
    intervention: ClockNow
    resolution: ClockNow


class NoSuchTicket(LookupError):
    """There is no ticket with that number."""


_TICKET_COLUMNS = [field.name for field in fields(Ticket) if field.name not in ("id", "pauses", "report")]


def create(connection: Connection, new: NewTicket, now_us: int) -> Ticket:
    """Write a new ticket and the first line of its trail."""
    values = {name: getattr(new, name) for name in new.__slots__ if name != "who"}
    values |= {
        "worst_criticality": new.criticality,
        "state": TicketState.REPORTED,
        "resolution_limit_us": RESOLUTION_LIMIT_US[new.criticality],
    }
    ticket_id = connection.execute(insert(tickets).values(**values).returning(tickets.c.id)).scalar_one()
    log(
        connection,
        ticket_id,
        kind="Report",
        at_us=new.reported_at_us,
        now_us=now_us,
        who=new.who,
        via=new.origin.value,
        detail={"criticality": new.criticality.value, "title": new.title, "caller": new.caller},
    )
    return get(connection, ticket_id)


def get(connection: Connection, ticket_id: int, *, lock: bool = False) -> Ticket:
    """Return one ticket; with ``lock`` its row is held until the transaction ends (PostgreSQL).

    Raises:
        NoSuchTicket: the number is not known.
    """
    query = select(tickets).where(tickets.c.id == ticket_id)
    row = connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    if row is None:
        raise NoSuchTicket(ticket_id)
    return _ticket(row, _pauses(connection, [ticket_id]).get(ticket_id, ()))


def save(connection: Connection, before: Ticket, after: Ticket, act: Act, now_us: int) -> None:
    """Write what changed and one line of the trail."""
    values = {name: getattr(after, name) for name in _TICKET_COLUMNS}
    values["report"] = None if after.report is None else asdict(after.report)
    connection.execute(update(tickets).where(tickets.c.id == after.id).values(**values))
    if before.pauses != after.pauses:
        connection.execute(delete(ticket_pauses).where(ticket_pauses.c.ticket_id == after.id))
        for pause in after.pauses:
            connection.execute(insert(ticket_pauses).values(ticket_id=after.id, **asdict(pause)))
    detail = {name: value for name, value in asdict(act).items() if name not in ("who", "via", "at_us")}
    log(
        connection,
        after.id,
        kind=type(act).__name__,
        at_us=max(act.at_us, after.closed_at_us or 0) if isinstance(act, Close) else act.at_us,
        now_us=now_us,
        who=act.who,
        via=act.via,
        detail=detail | {"from": before.state.value, "to": after.state.value},
    )


def log(
    connection: Connection,
    ticket_id: int,
    *,
    kind: str,
    at_us: int,
    now_us: int,
    who: str,
    via: str,
    detail: dict[str, Any],
) -> None:
    """Append one line to the trail."""
    row = {"ticket_id": ticket_id, "at_us": at_us, "recorded_at_us": now_us, "kind": kind, "who": who}
    connection.execute(insert(ticket_events).values(**row, via=via, detail=detail))


def events(connection: Connection, ticket_id: int) -> tuple[TicketEvent, ...]:
    """Return the trail, oldest first."""
    query = select(ticket_events).where(ticket_events.c.ticket_id == ticket_id)
    rows = connection.execute(query.order_by(ticket_events.c.at_us, ticket_events.c.id)).mappings()
    names = [field.name for field in fields(TicketEvent)]
    return tuple(TicketEvent(**{name: row[name] for name in names}) for row in rows)


def view(ticket: Ticket, now_us: int) -> TicketView:
    """Return the ticket with both clocks."""
    return TicketView(
        ticket=ticket, intervention=intervention(ticket, now_us), resolution=resolution(ticket, now_us)
    )


def open_tickets(connection: Connection, now_us: int) -> tuple[TicketView, ...]:
    """Return tickets not closed, those with the least time left first."""
    query = select(tickets).where(tickets.c.state.not_in([TicketState.CLOSED, TicketState.MERGED]))
    views = [view(ticket, now_us) for ticket in load(connection, query)]
    return tuple(sorted(views, key=_urgency))


def recent(connection: Connection, now_us: int, before_id: int | None = None) -> tuple[TicketView, ...]:
    """Return tickets of any state, newest first, one page."""
    query = select(tickets).order_by(tickets.c.id.desc()).limit(PAGE_LIMIT_ROWS)
    if before_id is not None:
        query = query.where(tickets.c.id < before_id)
    return tuple(view(ticket, now_us) for ticket in load(connection, query))


def of_incident(connection: Connection, incident_id: int) -> Ticket | None:
    """Return the ticket that an incident opened, or None."""
    query = select(tickets).where(tickets.c.incident_id == incident_id).order_by(tickets.c.id).limit(1)
    found = load(connection, query)
    return found[0] if found else None


def _urgency(shown: TicketView) -> tuple[bool, int]:
    if shown.ticket.on_site_at_us is None and shown.ticket.working:
        return False, min(shown.intervention.left_us, shown.resolution.left_us)
    return not shown.ticket.working, shown.resolution.left_us


def load(connection: Connection, query: Any) -> list[Ticket]:
    """Return the tickets that a query selects."""
    rows = connection.execute(query).mappings().all()
    pauses = _pauses(connection, [row["id"] for row in rows])
    return [_ticket(row, pauses.get(row["id"], ())) for row in rows]


def _pauses(connection: Connection, ids: list[int]) -> dict[int, tuple[Pause, ...]]:
    found: dict[int, tuple[Pause, ...]] = {}
    if not ids:
        return found
    query = select(ticket_pauses).where(ticket_pauses.c.ticket_id.in_(ids)).order_by(ticket_pauses.c.from_us)
    for row in connection.execute(query).mappings():
        pause = Pause(
            from_us=row["from_us"],
            until_us=row["until_us"],
            reason=PauseReason(row["reason"]),
            who=row["who"],
            note=row["note"],
        )
        found[row["ticket_id"]] = (*found.get(row["ticket_id"], ()), pause)
    return found


def _ticket(row: RowMapping, pauses: tuple[Pause, ...]) -> Ticket:
    values = {name: row[name] for name in _TICKET_COLUMNS}
    values["origin"] = Origin(row["origin"])
    values["state"] = TicketState(row["state"])
    values["criticality"] = Criticality(row["criticality"])
    known = (values["criticality"], Criticality(row["worst_criticality"]))
    values["worst_criticality"] = min(known, key=lambda one: one.weight)
    report = row["report"]
    if report is not None:
        texts = {"cause": report["cause"], "action": report["action"], "depot": report.get("depot", "")}
        report = FieldReport(**texts, parts=tuple(report["parts"]))
    return Ticket(id=row["id"], pauses=pauses, report=report, **values)
