"""Tell the outside of every change of a ticket: one outbox row for each mirror that is switched on.

Our clocks stay the authority; a mirror that is down delays nothing and loses nothing (the outbox keeps its
rows).  Rows of one ticket go one after the other (``fleet.notify.mirrors``).

Sources: DESIGN §7.
"""

from typing import Any

from sqlalchemy import Connection

from fleet.notify import outbox
from fleet.notify.mirrors import MIRRORS
from fleet.notify.model import Rendered
from fleet.tickets.clocks import intervention, resolution
from fleet.tickets.model import Ticket


def tell(connection: Connection, ticket: Ticket, event: str, now_us: int, **more: Any) -> None:
    """Write what changed for every mirror; ``more`` is what only this event has."""
    enabled = outbox.enabled_channels(connection)
    for channel in MIRRORS:
        if channel in enabled:
            number = outbox.next_number(connection)
            outbox.enqueue(
                connection,
                key=f"{channel.value}/{ticket.id}/{event}/{number}",
                channel=channel,
                address=channel.value,
                message=Rendered(subject=f"{event} #{ticket.id}", text=ticket.title),
                now_us=now_us,
                ticket_ids=[ticket.id],
                detail=described(ticket, event, now_us) | more,
            )


def described(ticket: Ticket, event: str, now_us: int) -> dict[str, Any]:
    """Return a ticket as mirrors get it; instants are microseconds UTC."""
    first, second = intervention(ticket, now_us), resolution(ticket, now_us)
    return {
        "event": event,
        "ticket": ticket.id,
        "incident": ticket.incident_id,
        "title": ticket.title,
        "state": ticket.state.value,
        "criticality": ticket.criticality.value,
        "worst_criticality": ticket.worst_criticality.value,
        "merged_into": ticket.merged_into,
        "origin": ticket.origin.value,
        "began_at_us": ticket.began_at_us,
        "reported_at_us": ticket.reported_at_us,
        "acknowledged_at_us": ticket.acknowledged_at_us,
        "acknowledged_by": ticket.acknowledged_by,
        "on_site_at_us": ticket.on_site_at_us,
        "restored_at_us": ticket.restored_at_us,
        "closed_at_us": ticket.closed_at_us,
        "on_site_due_at_us": first.due_at_us,
        "on_site_verdict": first.verdict.value,
        "resolution_due_at_us": second.due_at_us,
        "resolution_verdict": second.verdict.value,
        "at_us": now_us,
    }
