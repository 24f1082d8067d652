"""Write down what the rules decided: incident rows, ticket events, timers.  No decisions."""

from typing import assert_never

from fleet.evidence import facts
from fleet.identity import audit
from fleet.incidents import store
from fleet.incidents.causes import proved_cause
from fleet.incidents.context import CycleContext
from fleet.incidents.model import (
    Absorb,
    Action,
    Attribute,
    Domain,
    End,
    Explain,
    Fail,
    Grade,
    IncidentState,
    Join,
    Leave,
    Member,
    Open,
    Recover,
    Regrade,
    SharedCause,
    Split,
)
from fleet.intake import calls
from fleet.lang.i18n import t
from fleet.lang.reasons import FleetReason, own
from fleet.live.model import NetworkNow
from fleet.notify.compose import Occasion
from fleet.paging import paging
from fleet.paging.subjects import where
from fleet.tickets import actions, joining
from fleet.tickets import store as tickets
from fleet.tickets.model import Merge, NewTicket, Origin, Relapse, Restore, Ticket
from fleet.tickets.model import Regrade as RegradeTicket

WHO = "telemetry"
NAMED_LIMIT = 50
"""Gateways named on one line of the timeline; the rest is counted."""


def apply(context: CycleContext, action: Action) -> None:  # noqa: C901 one case a kind
    """Carry out one action."""
    connection = context.connection
    match action:
        case Open():
            _open(context, action)
        case Split():
            store.remove_members(connection, action.incident_id, [one.eui for one in action.members])
            _log(context, action.incident_id, "Split", reason=action.reason)
            _open(context, action)
        case Join():
            store.add_members(connection, action.incident_id, action.members)
            _log(context, action.incident_id, "Join", reason=action.reason, **_named(action.members))
            _charge(context, action.incident_id)
        case Recover():
            store.restore_members(connection, action.incident_id, action.members)
            _log(context, action.incident_id, "Recover", **_named(action.members))
        case Fail():
            _fail(context, action)
        case Leave():
            store.remove_members(connection, action.incident_id, action.euis)
            _log(context, action.incident_id, "Leave", reason=action.reason, euis=list(action.euis))
        case Explain():
            cause = {"domain": action.cause.domain.value, "value": action.cause.value}
            store.explain(connection, action.incident_id, action.cause, context.now_us)
            _log(context, action.incident_id, "Explain", reason=action.reason, **cause)
            _retitle(context, action.incident_id)
            _charge(context, action.incident_id)
        case Attribute():
            store.attribute(connection, action.incident_id, action.proved, context.now_us)
            _log(context, action.incident_id, "Attribute", proved=action.proved.value)
        case Absorb():
            _absorb(context, action)
        case Regrade():
            _regrade(context, action)
        case End():
            _end(context, action)
        case _:
            assert_never(action)


def _open(context: CycleContext, action: Open | Split) -> None:
    connection, grade = context.connection, action.grade
    incident_id = store.create(
        connection,
        cause=action.cause,
        proved=proved_cause(context.network, [member.eui for member in action.members]),
        members=action.members,
        grade=grade,
        now_us=context.now_us,
    )
    _log(context, incident_id, "Open", reason=action.reason, **_named(action.members))
    if action.cause.domain is Domain.WAVE:
        _charge(context, incident_id)
    first = min(action.members, key=lambda member: (member.since_us, member.eui))
    gateway = context.network.gateways[first.eui]
    called = calls.adopt(connection, (*grade.communes, gateway.commune_insee), incident_id, context.now_us)
    if called is not None:
        _adopt(context, called, grade)
        return
    ticket = actions.report(
        connection,
        NewTicket(
            origin=Origin.TELEMETRY,
            title=title(context.network, action.cause, grade),
            criticality=grade.criticality,
            began_at_us=first.since_us,
            reported_at_us=_reported_us(context, action.cause, first),
            incident_id=incident_id,
            site_id=gateway.site_id if len(action.members) == 1 else None,
            commune_insee=grade.communes[0] if grade.communes else gateway.commune_insee,
        ),
        context.now_us,
    )
    paging.plan_first_page(connection, ticket.id, context.now_us)


def _reported_us(context: CycleContext, cause: SharedCause, first: Member) -> int:
    """Return when it was known: a loss once it is confirmed, a quarantine at once."""
    if cause.domain in {Domain.QUARANTINE, Domain.BUDGET}:
        return first.since_us
    return first.since_us + context.settings.silence_confirmed_us


def _adopt(context: CycleContext, ticket: Ticket, grade: Grade) -> None:
    """A call came first: its ticket goes on, as grave as what is measured."""
    if grade.criticality.weight < ticket.criticality.weight:
        event = RegradeTicket(
            who=WHO, via=WHO, at_us=context.now_us, criticality=grade.criticality, reason=grade.reason
        )
        actions.act(context.connection, ticket.id, event, context.now_us)
        paging.plan_page(context.connection, ticket.id, due_at_us=context.now_us, occasion=Occasion.WORSE)


def _charge(context: CycleContext, incident_id: int) -> None:
    """Charge to us the losses that a change of ours is suspected of; take that back of all others."""
    found = store.explained(context.connection, incident_id)
    if found is None:
        return
    cause, _ = found
    losses = {one.eui: one.since_us for one in store.members_of(context.connection, incident_id)}
    if cause.domain is Domain.WAVE:
        text = own(FleetReason.CHANGED, text=cause.value)
        facts.store_suspicions(context.connection, losses, text, audit.SYSTEM, context.now_us)
    else:
        facts.withdraw_suspicions(context.connection, losses, context.now_us)


def title(network: NetworkNow, cause: SharedCause, grade: Grade) -> str:
    """Return the place in a few words, in the operator's language."""
    known = {code: commune.name for code, commune in network.communes.items()}
    names = [known.get(code, code) for code in grade.communes]
    value = cause.value
    if value in network.gateways:
        value = network.gateways[value].name
    if cause.domain is Domain.QUARANTINE:
        return t("fr", "ticket.quarantine", name=value)
    if cause.domain is Domain.BUDGET:
        return t("fr", "ticket.budget")
    found = where("fr", cause.domain, value, names)
    return t("fr", "ticket.changed", where=found, name=value) if cause.domain is Domain.WAVE else found


def _fail(context: CycleContext, action: Fail) -> None:
    connection = context.connection
    store.add_members(connection, action.incident_id, action.members)
    store.change(connection, action.incident_id, state=IncidentState.OPEN, ended_at_us=None)
    _log(context, action.incident_id, "Fail", **_named(action.members))
    _charge(context, action.incident_id)
    ticket = tickets.of_incident(connection, action.incident_id)
    if ticket is not None and not ticket.working:
        since_us = min(member.since_us for member in action.members)
        actions.act(connection, ticket.id, Relapse(who=WHO, via=WHO, at_us=since_us), context.now_us)
        if ticket.acknowledged_at_us is None:
            paging.plan_first_page(connection, ticket.id, context.now_us)


def _absorb(context: CycleContext, action: Absorb) -> None:
    connection = context.connection
    store.add_members(connection, action.incident_id, store.members_of(connection, action.other_id))
    gone = {"state": IncidentState.MERGED, "merged_into": action.incident_id, "ended_at_us": context.now_us}
    store.change(connection, action.other_id, **gone)
    _log(context, action.incident_id, "Absorb", other=action.other_id, reason=action.reason)
    _log(context, action.other_id, "Merged", into=action.incident_id, reason=action.reason)
    _charge(context, action.incident_id)
    mine = tickets.of_incident(connection, action.incident_id)
    other = tickets.of_incident(connection, action.other_id)
    if mine is not None and other is not None:
        event = Merge(who=WHO, via=WHO, at_us=context.now_us, into=mine.id)
        actions.act(connection, other.id, event, context.now_us)
        joining.inherit(connection, mine, other)


def _regrade(context: CycleContext, action: Regrade) -> None:
    connection, grade = context.connection, action.grade
    store.regrade(connection, action.incident_id, grade, context.now_us)
    _retitle(context, action.incident_id)
    ticket = tickets.of_incident(connection, action.incident_id)
    if ticket is None or not ticket.working or ticket.criticality is grade.criticality:
        return
    graded = {"criticality": grade.criticality.value, "communes": list(grade.communes[:NAMED_LIMIT])}
    _log(context, action.incident_id, "Regrade", reason=grade.reason, **graded)
    event = RegradeTicket(
        who=WHO, via=WHO, at_us=context.now_us, criticality=grade.criticality, reason=grade.reason
    )
    actions.act(connection, ticket.id, event, context.now_us)
    worse = grade.criticality.weight < ticket.criticality.weight
    if worse and paging.was_told(connection, ticket.id):
        paging.plan_page(connection, ticket.id, due_at_us=context.now_us, occasion=Occasion.WORSE)


def _retitle(context: CycleContext, incident_id: int) -> None:
    """Name the ticket for what the incident has become."""
    found = store.explained(context.connection, incident_id)
    if found is not None:
        cause, grade = found
        joining.retitle(context.connection, incident_id, title(context.network, cause, grade))


def _end(context: CycleContext, action: End) -> None:
    connection = context.connection
    store.change(connection, action.incident_id, state=IncidentState.ENDED, ended_at_us=action.at_us)
    _log(context, action.incident_id, "End", ended_at_us=action.at_us)
    ticket = tickets.of_incident(connection, action.incident_id)
    if ticket is not None and ticket.working:
        event = Restore(who=WHO, via=WHO, at_us=action.at_us)
        actions.act(connection, ticket.id, event, context.now_us)
        paging.tell_end(context, tickets.get(connection, ticket.id))


def _named(members: tuple[Member, ...]) -> dict[str, object]:
    euis = [member.eui for member in members]
    return {"euis": euis[:NAMED_LIMIT], "count": len(euis)}


def _log(context: CycleContext, incident_id: int, kind: str, **detail: object) -> None:
    now_us = context.now_us
    store.log(context.connection, incident_id, kind=kind, at_us=now_us, now_us=now_us, detail=detail)
