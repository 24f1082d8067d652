"""What people and telemetry do to a ticket: load, step, save, in the caller's transaction.

``act(connection, 7, Acknowledge(who="A. Martin", via="page", at_us=now_us), now_us)``; every event of
``fleet.tickets.model`` goes this way, so each lands in the audit trail.
"""

from sqlalchemy import Connection

from fleet.tickets import duties, mirror, parts, store
from fleet.tickets.model import Close, Event, FieldReport, NewTicket, StepRefused, Ticket
from fleet.tickets.rules import step


def act(connection: Connection, ticket_id: int, event: Event, now_us: int) -> Ticket | StepRefused:
    """Apply one event; a refusal is written to the trail and changes nothing else.

    Raises:
        store.NoSuchTicket: the number is not known.
    """
    before = store.get(connection, ticket_id, lock=True)
    after = step(before, event, now_us)
    if isinstance(after, StepRefused):
        tried = type(event).__name__
        log_refusal(connection, ticket_id, after, step=tried, who=event.who, via=event.via, now_us=now_us)
        return after
    store.save(connection, before, after, event, now_us)
    if isinstance(event, Close) and event.report is not None:
        _take_parts(connection, ticket_id, event.report, event.who, now_us)
    duties.arm(connection, after, now_us)
    mirror.tell(connection, after, type(event).__name__, now_us)
    return after


def log_refusal(
    connection: Connection,
    ticket_id: int,
    refusal: StepRefused,
    *,
    step: str,
    who: str,
    via: str,
    now_us: int,
) -> None:
    """Write what was tried, by whom, and why it does not apply."""
    detail = {"event": step, "key": refusal.key} | dict(refusal.values)
    instants = {"at_us": now_us, "now_us": now_us}
    store.log(connection, ticket_id, kind="Refused", who=who, via=via, detail=detail, **instants)


def _take_parts(connection: Connection, ticket_id: int, report: FieldReport, who: str, now_us: int) -> None:
    """Take what a field report names from its depot, and write what the depots do not know."""
    taken = parts.consume(
        connection, ticket_id=ticket_id, depot=report.depot, parts=report.parts, who=who, now_us=now_us
    )
    if taken.unknown:
        instants = {"at_us": now_us, "now_us": now_us}
        detail = {"depot": report.depot, "parts": list(taken.unknown)}
        store.log(connection, ticket_id, kind="PartsUnknown", who=who, via="stock", detail=detail, **instants)


def report(connection: Connection, new: NewTicket, now_us: int) -> Ticket:
    """Open a ticket: its clocks run from the report."""
    ticket = store.create(connection, new, now_us)
    duties.arm(connection, ticket, now_us)
    mirror.tell(connection, ticket, "Report", now_us)
    return ticket
