"""How tickets, incidents and calls come together: the columns that change without an event of a person."""

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select, update

from fleet.tickets.model import WORKING, Origin, Ticket, TicketState
from fleet.tickets.store import load
from fleet.tickets.tables import ticket_steps, tickets


def retitle(connection: Connection, incident_id: int, title: str) -> None:
    """Rename the ticket of an incident; the ticket of a call keeps the caller's words."""
    mine = (
        (tickets.c.incident_id == incident_id)
        & (tickets.c.state != TicketState.MERGED)
        & (tickets.c.origin == Origin.TELEMETRY)
    )
    connection.execute(update(tickets).where(mine).values(title=title))


def inherit(connection: Connection, mine: Ticket, other: Ticket) -> None:
    """Give ``mine`` the earlier report and the shorter limit of a ticket merged into it."""
    earliest = {
        name: min(getattr(mine, name), getattr(other, name))
        for name in ("began_at_us", "reported_at_us", "resolution_limit_us")
    }
    connection.execute(update(tickets).where(tickets.c.id == mine.id).values(**earliest))


def backdate(connection: Connection, ticket_id: int, reported_at_us: int) -> None:
    """Let the clocks run from an earlier report; a later one changes nothing."""
    earlier = (tickets.c.id == ticket_id) & (tickets.c.reported_at_us > reported_at_us)
    connection.execute(update(tickets).where(earlier).values(reported_at_us=reported_at_us))


def attach_incident(connection: Connection, ticket_id: int, incident_id: int) -> None:
    """Give the ticket of a call the incident that was measured later."""
    connection.execute(update(tickets).where(tickets.c.id == ticket_id).values(incident_id=incident_id))


def waiting_call(connection: Connection, insee: Sequence[str], since_us: int) -> Ticket | None:
    """Return the oldest open ticket of a call about one of these communes."""
    mine = (
        tickets.c.incident_id.is_(None)
        & tickets.c.commune_insee.in_(insee)
        & tickets.c.state.in_(WORKING)
        & (tickets.c.reported_at_us >= since_us)
    )
    found = load(connection, select(tickets).where(mine).order_by(tickets.c.id).limit(1))
    return found[0] if found else None


def calls_on_site(connection: Connection) -> list[Ticket]:
    """Return the tickets of calls where somebody is on site."""
    mine = tickets.c.incident_id.is_(None) & (tickets.c.state == TicketState.ON_SITE)
    return load(connection, select(tickets).where(mine))


def between(connection: Connection, from_us: int, until_us: int) -> tuple[Ticket, ...]:
    """Return tickets reported in the span, for statistics."""
    span = (tickets.c.reported_at_us >= from_us) & (tickets.c.reported_at_us < until_us)
    return tuple(load(connection, select(tickets).where(span).order_by(tickets.c.reported_at_us)))


def seen(connection: Connection, ticket_id: int, key: str) -> bool:
    """Return whether a step with this key was taken."""
    mine = (ticket_steps.c.ticket_id == ticket_id) & (ticket_steps.c.key == key)
    return connection.execute(select(ticket_steps.c.key).where(mine)).first() is not None


def remember(connection: Connection, ticket_id: int, key: str, now_us: int) -> None:
    """Note that a step with this key was taken."""
    connection.execute(insert(ticket_steps).values(ticket_id=ticket_id, key=key, at_us=now_us))
