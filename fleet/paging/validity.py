"""Whether a message that waits still says what is so; asked when it is about to be sent.

    message about a ticket …       that meanwhile …                      then
    any but the end                is restored, closed or merged         withdrawn
    the end                        is lost again                         withdrawn
    the end                        was never told of to that address     withdrawn
    first, reminder, next level    was taken                             withdrawn
    four hours end                 has somebody on site                  withdrawn
    any but the end                is graver or less grave than written  withdrawn, and written anew
    several tickets, one of them overtaken                               withdrawn, the others written anew

What is withdrawn keeps its row, with the reason, and is counted; ``decide`` is pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from fleet.notify import outbox, timing
from fleet.notify.compose import Occasion
from fleet.notify.model import Channel, Outgoing
from fleet.tickets import store as tickets
from fleet.tickets import timers
from fleet.tickets.clocks import intervention
from fleet.tickets.model import Criticality, Ticket

WAKE = "wake"
"""Kind of the timers that write to one person about one ticket."""

TO_TAKE = frozenset({Occasion.OPENED, Occasion.REMINDER, Occasion.ESCALATED, Occasion.LAPSED})
HURRIES = frozenset({Occasion.WARNING, Occasion.OVERDUE})


class Overtaken(StrEnum):
    """Why a message is not sent."""

    OVER = "over"
    LOST_AGAIN = "lost_again"
    NEVER_TOLD = "never_told"
    TAKEN = "taken"
    ON_SITE = "on_site"
    REGRADED = "regraded"
    BUNDLED = "bundled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a message says of one ticket."""

    ticket_id: int
    occasion: Occasion
    criticality: Criticality
    round_number: int = 0


def written(statements: Sequence[Statement]) -> dict[str, Any]:
    """Return what the row of a message keeps of its statements."""
    return {
        "about": [
            {
                "ticket": one.ticket_id,
                "occasion": one.occasion.value,
                "criticality": one.criticality.value,
                "round": one.round_number,
            }
            for one in statements
        ]
    }


def _statements(message: Outgoing) -> list[Statement]:
    return [
        Statement(
            ticket_id=one["ticket"],
            occasion=Occasion(one["occasion"]),
            criticality=Criticality(one["criticality"]),
            round_number=one["round"],
        )
        for one in message.detail.get("about", ())
    ]


def decide(statement: Statement, ticket: Ticket, *, beginning_told: bool) -> Overtaken | None:
    """Return what has overtaken a statement; None while it holds."""
    if statement.occasion is Occasion.ENDED:
        if ticket.working:
            return Overtaken.LOST_AGAIN
        return None if beginning_told else Overtaken.NEVER_TOLD
    if not ticket.working:
        return Overtaken.OVER
    if statement.occasion in TO_TAKE and ticket.acknowledged_at_us is not None:
        return Overtaken.TAKEN
    if statement.occasion in HURRIES and ticket.on_site_at_us is not None:
        return Overtaken.ON_SITE
    return Overtaken.REGRADED if ticket.criticality is not statement.criticality else None


def valid(connection: Connection, message: Outgoing, now_us: int) -> bool:
    """Return whether a claimed message may go; else withdraw it, and let what remains be written anew."""
    statements = _statements(message)
    known = {one.ticket_id: tickets.get(connection, one.ticket_id) for one in statements}
    found = [
        decide(one, known[one.ticket_id], beginning_told=_beginning_told(connection, message, one, now_us))
        for one in statements
    ]
    reasons = [reason for reason in found if reason is not None]
    if not reasons:
        return True
    again = [
        one for one, reason in zip(statements, found, strict=True) if reason in (None, Overtaken.REGRADED)
    ]
    mixed = len(set(found)) > 1
    outbox.withdraw(connection, message, now_us=now_us, reason=Overtaken.BUNDLED if mixed else reasons[0])
    for one in again:
        _write_anew(connection, message, one, known[one.ticket_id], now_us)
    return False


def _beginning_told(connection: Connection, message: Outgoing, one: Statement, now_us: int) -> bool:
    if one.occasion is not Occasion.ENDED:
        return True
    return outbox.reached(connection, message, one.ticket_id, now_us=now_us)


def _write_anew(
    connection: Connection, message: Outgoing, one: Statement, ticket: Ticket, now_us: int
) -> None:
    """Arm the timer that writes to the same person about the ticket as it stands then; not to rooms."""
    if message.person_id is None:
        return
    due_us = now_us
    if message.channel is Channel.SMS and one.occasion is not Occasion.ENDED:
        critical = ticket.criticality is Criticality.CRITICAL
        on_site_due_us = intervention(ticket, now_us).due_at_us if ticket.on_site_at_us is None else None
        due_us = timing.wake_at_us(critical=critical, on_site_due_us=on_site_due_us, now_us=now_us)
    timers.plan(
        connection,
        key=f"wake/{ticket.id}/{message.person_id}/{message.channel.value}",
        kind=WAKE,
        subject_id=ticket.id,
        due_at_us=due_us,
        detail={
            "person_id": message.person_id,
            "occasion": one.occasion.value,
            "round": one.round_number,
            "channel": message.channel.value,
        },
    )
