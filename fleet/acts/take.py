"""``take(connection, rules, ticket_id, request, now_us)``: one step of a person, whichever door it came by.

    form of the page · JSON · acknowledge link · label on the cabinet · reply by SMS
        └▶ take ─▶ taken before with this key?      nothing happens again
                ─▶ presence: what proves to be there (code), or is declared
                ─▶ steps: what was typed ─▶ event, or which text is missing
                ─▶ fleet.tickets.actions.act: the ticket machine, row, trail, parts, timers, mirrors
                ─▶ a refusal to come calls the next level at once

A door decides who the person is, and how to say the outcome; it holds no rule about tickets.  A refusal is a
value: the caller's transaction commits it, so that the trail keeps what was tried.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from fleet.acts.presence import PresenceRules, proof_of
from fleet.acts.steps import Step, StepRequest, event_of
from fleet.incidents.sites import incidents_at
from fleet.notify.compose import Occasion
from fleet.paging import paging
from fleet.tickets import actions, joining
from fleet.tickets import store as tickets
from fleet.tickets.model import Event, StepRefused, Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A step that was carried out."""

    ticket: Ticket
    again: bool = False
    """It had been carried out before: this was the same request once more."""


def take(
    connection: Connection, rules: PresenceRules, ticket_id: int, request: StepRequest, now_us: int
) -> Taken | StepRefused:
    """Carry out one step, or say why it does not apply; ``rules`` judge arrivals.

    Raises:
        fleet.tickets.store.NoSuchTicket: the number is not known.
    """
    before = tickets.get(connection, ticket_id, lock=True)
    if request.key and joining.seen(connection, ticket_id, request.key):
        return Taken(ticket=before, again=True)
    event = _event_of(connection, rules, before, request, now_us)
    if isinstance(event, StepRefused):
        if not event.field:
            actions.log_refusal(
                connection,
                ticket_id,
                event,
                step=request.step,
                who=request.who,
                via=request.door,
                now_us=now_us,
            )
        return event
    outcome = actions.act(connection, ticket_id, event, now_us)
    if isinstance(outcome, StepRefused):
        return outcome
    if request.step is Step.DECLINE and before.working and before.acknowledged_at_us is None:
        paging.plan_page(connection, ticket_id, due_at_us=now_us, round_number=1, occasion=Occasion.ESCALATED)
    if request.key:
        joining.remember(connection, ticket_id, request.key, now_us)
    return Taken(ticket=outcome)


def _event_of(
    connection: Connection, rules: PresenceRules, ticket: Ticket, request: StepRequest, now_us: int
) -> Event | StepRefused:
    if request.step is not Step.ARRIVE:
        return event_of(request, now_us=now_us)
    proof = proof_of(connection, rules, ticket, request, now_us)
    if isinstance(proof, StepRefused):
        return proof
    return event_of(request, now_us=now_us, proof=proof, there=ticket.on_site_at_us is not None)


def open_ticket_at(connection: Connection, site_id: int, now_us: int) -> Ticket | None:
    """Return the most urgent open ticket about a site; None if there is none."""
    concerned = incidents_at(connection, site_id)
    for shown in tickets.open_tickets(connection, now_us):
        if shown.ticket.site_id == site_id or shown.ticket.incident_id in concerned:
            return shown.ticket
    return None
