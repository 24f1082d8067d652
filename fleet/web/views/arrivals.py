"""An arrival on site: how we know of it, whether it counts, and who may prove or confirm it; pure."""

from fleet.tickets.model import Ticket, TicketState
from fleet.tickets.presence import proof_words
from fleet.tickets.rules import PROVED
from fleet.web.rendering import Words


def arrival_words(words: Words, ticket: Ticket) -> str:
    """Return how we know of the arrival, and whether it counts."""
    if ticket.on_site_at_us is None:
        return ""
    parts = [proof_words(words.lang, ticket.on_site_proof)]
    if ticket.on_site_late:
        parts.append(words.t("presence.late"))
    if ticket.on_site_confirmed_at_us is not None:
        parts.append(words.t("presence.confirmed", who=ticket.on_site_confirmed_by))
    elif ticket.on_site_late:
        parts.append(words.t("presence.awaits"))
    return " · ".join(parts)


def confirms(ticket: Ticket, name: str) -> bool:
    """Return whether this person may confirm the arrival of another."""
    unproved = ticket.on_site_at_us is not None and ticket.on_site_proof not in PROVED
    return unproved and ticket.on_site_confirmed_at_us is None and ticket.on_site_by != name


def proves(ticket: Ticket) -> bool:
    """Return whether a code of the gateway would prove an arrival: of now, or the one that is declared."""
    over = ticket.state in (TicketState.CLOSED, TicketState.MERGED)
    return not over and ticket.on_site_proof not in PROVED
