"""What is due next on a ticket: progress, the end of the four hours, closing by itself; pure, then rows.

    acknowledged  + PROGRESS_LIMIT_US   no *en route*: un-acknowledged, escalated
    en route      + JOURNEY_LIMIT_US    no *on site*: the same
    four hours    - WARNING_US, and 0   everybody on call is told, once each
    restored      + SETTLING_US         closed « à distance » if nobody went; a relapse reopens it before

A paused clock makes none of the first three due.  A timer that fires asks this table again, so a duty that
moved (a pause, a note) moves its timer.

Sources: DESIGN §7 ("no proof of progress: un-acknowledged and escalated").
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from fleet.durations import MINUTE_US
from fleet.tickets import timers
from fleet.tickets.clocks import intervention
from fleet.tickets.model import Ticket, TicketState

PROGRESS_LIMIT_US = 45 * MINUTE_US
"""From acknowledging to driving: a night's waking up, dressing and loading the van."""

JOURNEY_LIMIT_US = 90 * MINUTE_US
"""The département is crossed in less (Indre-et-Loire: 100 km)."""

WARNING_US = 60 * MINUTE_US
"""Before the four hours end: enough for somebody else to get there."""

SETTLING_US = 30 * MINUTE_US
"""After the return; the same as the window in which a relapse belongs to the same incident."""


class DutyKind(StrEnum):
    """Kinds of timers of a ticket."""

    PROGRESS = "progress"
    WARNING = "warning"
    OVERDUE = "overdue"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Something that becomes due on a ticket."""

    kind: DutyKind
    at_us: int


def duties(ticket: Ticket, now_us: int) -> tuple[Due, ...]:
    """Return what will be due if nothing else happens."""
    if ticket.state is TicketState.RESTORED:
        if ticket.on_site_at_us is not None or ticket.en_route_at_us is not None:
            return ()
        restored_us = ticket.restored_at_us or now_us
        return (Due(kind=DutyKind.SETTLED, at_us=restored_us + SETTLING_US),)
    if not ticket.working or ticket.paused:
        return ()
    found = []
    if ticket.on_site_at_us is None:
        due_us = intervention(ticket, now_us).due_at_us
        found.append(Due(kind=DutyKind.WARNING, at_us=due_us - WARNING_US))
        found.append(Due(kind=DutyKind.OVERDUE, at_us=due_us))
    if ticket.progress_at_us is not None and ticket.state is TicketState.ACKNOWLEDGED:
        found.append(Due(kind=DutyKind.PROGRESS, at_us=ticket.progress_at_us + PROGRESS_LIMIT_US))
    if ticket.progress_at_us is not None and ticket.state is TicketState.EN_ROUTE:
        found.append(Due(kind=DutyKind.PROGRESS, at_us=ticket.progress_at_us + JOURNEY_LIMIT_US))
    return tuple(found)


def arm(connection: Connection, ticket: Ticket, now_us: int) -> None:
    """Set the ticket's timers to what is due, and disarm the others.

    What was due in the past and has been fired stays fired: warnings are told once.
    """
    due = {one.kind: one.at_us for one in duties(ticket, now_us)}
    kinds = tuple(kind.value for kind in DutyKind if kind not in due)
    timers.cancel(connection, subject_id=ticket.id, kinds=kinds, now_us=now_us)
    for kind, at_us in due.items():
        if kind in (DutyKind.WARNING, DutyKind.OVERDUE) and at_us <= now_us:
            continue
        key = f"{kind.value}/{ticket.id}"
        timers.plan(connection, key=key, kind=kind.value, subject_id=ticket.id, due_at_us=at_us)
