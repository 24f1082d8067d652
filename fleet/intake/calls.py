"""Faults that somebody calls or writes in: they are tickets too, and the time of the call counts.

A call about a place whose loss is known joins that ticket; if it came before our detection, the clocks run
from the call.  A loss that is confirmed later joins the ticket of the call.  « Rétabli » is still telemetry's
word: after somebody was on site, or when an operator asks, and the commune is served.

Sources: DESIGN §7 ("the report is the earlier of confirmed detection and a logged call or mail").
"""

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from fleet.durations import DAY_US, MINUTE_US
from fleet.errors import InputRefused
from fleet.facts.states import CommuneState
from fleet.incidents import store
from fleet.incidents.context import CycleContext
from fleet.lang.text import one_line
from fleet.paging import paging
from fleet.tickets import actions, joining
from fleet.tickets import store as tickets
from fleet.tickets.model import (
    Criticality,
    NewTicket,
    Note,
    Origin,
    Restore,
    StepRefused,
    Ticket,
    TicketState,
)

OLD_LIMIT_DAYS = 30
OLD_LIMIT_US = OLD_LIMIT_DAYS * DAY_US
"""A call that is entered later than this belongs to a month that is closed."""

AHEAD_LIMIT_US = 2 * MINUTE_US
"""How far the clock of whoever types may run ahead."""

ADOPT_LIMIT_US = DAY_US
"""How long a call waits for a confirmed loss of its commune to join it."""

TELEMETRY = "telemetry"


class CallRefused(InputRefused):
    """A call that cannot be entered; ``field`` is the one to mend."""

    def __init__(self, field: str, text: str, *, key: str = "", **values: object) -> None:
        super().__init__(f"{field}: {text}", key=key, **values)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What somebody told us."""

    origin: Origin
    commune_insee: str
    text: str
    caller: str
    reported_at_us: int
    who: str
    """Who typed it."""
    site_id: int | None = None
    criticality: Criticality = Criticality.MINOR


def enter(context: CycleContext, call: Call) -> Ticket:
    """Open a ticket for a call, or join the ticket of the incident that is known there.

    Raises:
        CallRefused: no such commune, no text, or an impossible time.
    """
    call = replace(call, text=one_line(call.text), caller=one_line(call.caller))
    _check(context, call)
    known = _known(context.connection, call.commune_insee, context.now_us)
    if known is not None:
        return _join(context, known, call)
    ticket = actions.report(
        context.connection,
        NewTicket(
            origin=call.origin,
            title=f"{context.network.communes[call.commune_insee].name} : {call.text}",
            criticality=_criticality(context, call),
            began_at_us=call.reported_at_us,
            reported_at_us=call.reported_at_us,
            site_id=call.site_id,
            commune_insee=call.commune_insee,
            caller=call.caller,
            who=call.who,
        ),
        context.now_us,
    )
    paging.plan_page(context.connection, ticket.id, due_at_us=context.now_us)
    return ticket


def _check(context: CycleContext, call: Call) -> None:
    if call.commune_insee not in context.network.communes:
        text = f"{call.commune_insee!r} is no commune of ours; write its INSEE code"
        raise CallRefused("commune_insee", text, key="refusal.commune")
    if not call.text.strip():
        text = "empty; write what the caller sees, for example « plus aucun relevé »"
        raise CallRefused("text", text, key="refusal.text")
    if call.origin is Origin.TELEMETRY:
        raise CallRefused("origin", "write phone or mail")
    if call.reported_at_us > context.now_us + AHEAD_LIMIT_US:
        text = "in the future; write when the call came in"
        raise CallRefused("reported_at_us", text, key="refusal.future")
    if call.reported_at_us < context.now_us - OLD_LIMIT_US:
        text = f"more than {OLD_LIMIT_DAYS} days ago; write a note on the ticket of that time"
        raise CallRefused("reported_at_us", text, key="refusal.past", limit=OLD_LIMIT_DAYS)


def _criticality(context: CycleContext, call: Call) -> Criticality:
    """A commune that is lost is critical whoever says so first."""
    if context.network.communes[call.commune_insee].state is CommuneState.LOST:
        return Criticality.CRITICAL
    return call.criticality


def _known(connection: Connection, insee: str, now_us: int) -> Ticket | None:
    for shown in tickets.open_tickets(connection, now_us):
        ticket = shown.ticket
        if not ticket.working:
            continue
        communes = store.communes_of(connection, ticket.incident_id) if ticket.incident_id else ()
        if insee == ticket.commune_insee or insee in communes:
            return ticket
    return None


def _join(context: CycleContext, ticket: Ticket, call: Call) -> Ticket:
    text = f"{call.origin.value}, {call.caller} : {call.text}"
    event = Note(who=call.who, via=call.origin.value, at_us=call.reported_at_us, text=text)
    actions.act(context.connection, ticket.id, event, context.now_us)
    joining.backdate(context.connection, ticket.id, call.reported_at_us)
    return tickets.get(context.connection, ticket.id)


def adopt(connection: Connection, insee: tuple[str, ...], incident_id: int, now_us: int) -> Ticket | None:
    """Give an incident the ticket of a call that came before it; None if there was no call."""
    ticket = joining.waiting_call(connection, insee, now_us - ADOPT_LIMIT_US)
    if ticket is None:
        return None
    joining.attach_incident(connection, ticket.id, incident_id)
    return tickets.get(connection, ticket.id)


def follow(context: CycleContext) -> None:
    """Restore the tickets of calls where somebody was on site and telemetry shows the commune served."""
    for ticket in joining.calls_on_site(context.connection):
        verify(context, ticket)


def verify(context: CycleContext, ticket: Ticket) -> Ticket | StepRefused:
    """Ask telemetry whether a call's commune is served; restore the ticket if it is."""
    commune = context.network.communes.get(ticket.commune_insee)
    if ticket.incident_id is not None or commune is None or commune.state is not CommuneState.SERVED:
        return StepRefused(key="ticket.refused.not_restored")
    if ticket.state is TicketState.RESTORED:
        return ticket
    return actions.act(
        context.connection,
        ticket.id,
        Restore(who=TELEMETRY, via=TELEMETRY, at_us=context.now_us),
        context.now_us,
    )
