"""The ticket machine: ``step(ticket, event, now_us) -> Ticket | Refused``; pure.

    state         event         ->  state          note
    reported      Acknowledge   ->  acknowledged
    any working   Depart        ->  en_route       acknowledges if nobody had
    any working   Arrive        ->  on_site        acknowledges if nobody had; stops the 4 h clock
                                                   unless it is late: then a second person does
    any           ProveArrival  ->  unchanged      the code of a gateway that was dark before
    any           ConfirmArrival->  unchanged      by a second person: a late arrival counts
    acknowledged  Lapse         ->  reported       no proof of progress; en_route too
    any working   Restore       ->  restored       by telemetry only
    restored      Relapse       ->  as far as it had come
    restored      Close         ->  closed         with a report, unless « à distance »
    closed        Reopen        ->  restored
    any open      Merge         ->  merged
    otherwise                   ->  Refused, with what to say

A ticket that ends, merged or restored, ends its pause; one is never closed before it was restored.
What a phone tells late keeps its time, within ``LATE_LIMIT_US``; a clock that runs ahead is cut to now.
"""

from dataclasses import replace
from typing import assert_never

from fleet.durations import HOUR_US
from fleet.tickets.clocks import tightened
from fleet.tickets.model import (
    Acknowledge,
    Arrive,
    Close,
    ConfirmArrival,
    Depart,
    Event,
    Lapse,
    Merge,
    Note,
    Pause,
    ProveArrival,
    Regrade,
    Relapse,
    Reopen,
    Restore,
    ResumeClocks,
    StepRefused,
    StopClocks,
    Ticket,
    TicketState,
)

LATE_LIMIT_US = 24 * HOUR_US
"""How late a phone without coverage may tell what happened; beyond it the act is refused, not re-dated."""

TELEMETRY = "telemetry"
CODE = "code"
"""The gateway showed it for this ticket, and it was typed in time."""
CODE_AFTERWARDS = "code afterwards"
"""The same, after the arrival had been declared: the gateway was dark."""
PROVED = frozenset({CODE, CODE_AFTERWARDS})


def step(ticket: Ticket, event: Event, now_us: int) -> Ticket | StepRefused:  # noqa: C901, PLR0911, PLR0912
    """Return the ticket after the event, or why it does not apply."""
    if ticket.state is TicketState.MERGED and not isinstance(event, Note):
        return StepRefused(key="ticket.refused.merged", values=(("into", str(ticket.merged_into)),))
    if not isinstance(event, Restore | Relapse) and now_us - event.at_us > LATE_LIMIT_US:
        return StepRefused(key="ticket.refused.too_late")
    at_us = max(ticket.reported_at_us, min(event.at_us, now_us))
    match event:
        case Acknowledge():
            return _acknowledge(ticket, event, at_us)
        case Depart():
            return _depart(ticket, event, at_us)
        case Arrive():
            return _arrive(ticket, event, at_us, now_us)
        case ProveArrival():
            return _prove(ticket)
        case ConfirmArrival():
            return _confirm(ticket, event, at_us)
        case Restore():
            return _restore(ticket, event)
        case Relapse():
            return _relapse(ticket, event)
        case Close():
            return _close(ticket, event, at_us)
        case Lapse():
            return _lapse(ticket)
        case StopClocks():
            return _stop(ticket, event, at_us)
        case ResumeClocks():
            return _resume(ticket, at_us)
        case Regrade():
            return _regrade(ticket, event)
        case Reopen():
            if ticket.state is not TicketState.CLOSED:
                return StepRefused(key="ticket.refused.not_closed")
            return replace(ticket, state=TicketState.RESTORED, closed_at_us=None)
        case Merge():
            return _merge(ticket, event, at_us)
        case Note():
            working = ticket.working and event.via != TELEMETRY and ticket.progress_at_us is not None
            return replace(ticket, progress_at_us=at_us) if working else ticket
        case _:
            assert_never(event)


def _acknowledge(ticket: Ticket, event: Acknowledge, at_us: int) -> Ticket | StepRefused:
    if not ticket.working:
        return StepRefused(key="ticket.refused.over")
    if ticket.acknowledged_at_us is not None:
        return StepRefused(key="ticket.refused.taken", values=(("who", ticket.acknowledged_by),))
    return replace(
        ticket,
        state=TicketState.ACKNOWLEDGED,
        acknowledged_at_us=at_us,
        acknowledged_by=event.who,
        progress_at_us=at_us,
    )


def _taken(ticket: Ticket, event: Event, at_us: int) -> Ticket:
    if ticket.acknowledged_at_us is not None:
        return replace(ticket, progress_at_us=at_us)
    return replace(ticket, acknowledged_at_us=at_us, acknowledged_by=event.who, progress_at_us=at_us)


def _depart(ticket: Ticket, event: Depart, at_us: int) -> Ticket | StepRefused:
    if not ticket.working:
        return StepRefused(key="ticket.refused.over")
    if ticket.en_route_at_us is not None:
        return StepRefused(key="ticket.refused.already_en_route")
    state = TicketState.ON_SITE if ticket.on_site_at_us is not None else TicketState.EN_ROUTE
    return replace(_taken(ticket, event, at_us), state=state, en_route_at_us=at_us)


def _arrive(ticket: Ticket, event: Arrive, at_us: int, now_us: int) -> Ticket | StepRefused:
    if ticket.on_site_at_us is not None:
        return StepRefused(key="ticket.refused.already_on_site")
    if ticket.state is TicketState.CLOSED:
        return StepRefused(key="ticket.refused.over")
    arrived = replace(
        _taken(ticket, event, at_us),
        on_site_at_us=at_us,
        on_site_proof=event.proof,
        on_site_by=event.who,
        on_site_entered_at_us=now_us,
        on_site_late=event.late,
    )
    return arrived if ticket.state is TicketState.RESTORED else replace(arrived, state=TicketState.ON_SITE)


def _prove(ticket: Ticket) -> Ticket | StepRefused:
    if ticket.on_site_at_us is None:
        return StepRefused(key="ticket.refused.not_on_site")
    if ticket.on_site_proof in PROVED:
        return StepRefused(key="ticket.refused.already_on_site")
    return replace(ticket, on_site_proof=CODE_AFTERWARDS)


def _confirm(ticket: Ticket, event: ConfirmArrival, at_us: int) -> Ticket | StepRefused:
    if ticket.on_site_at_us is None:
        return StepRefused(key="ticket.refused.not_on_site")
    if event.who == ticket.on_site_by:
        return StepRefused(key="ticket.refused.own_arrival")
    if ticket.on_site_confirmed_at_us is not None:
        who = ticket.on_site_confirmed_by
        return StepRefused(key="ticket.refused.already_confirmed", values=(("who", who),))
    return replace(ticket, on_site_confirmed_by=event.who, on_site_confirmed_at_us=at_us)


def _restore(ticket: Ticket, event: Restore) -> Ticket | StepRefused:
    if event.via != TELEMETRY:
        return StepRefused(key="ticket.refused.only_telemetry")
    if not ticket.working:
        return StepRefused(key="ticket.refused.over")
    pauses = _ended(ticket.pauses, event.at_us)
    restored_us = max(ticket.reported_at_us, event.at_us)
    return replace(ticket, state=TicketState.RESTORED, restored_at_us=restored_us, pauses=pauses)


def _relapse(ticket: Ticket, event: Relapse) -> Ticket | StepRefused:
    if event.via != TELEMETRY:
        return StepRefused(key="ticket.refused.only_telemetry")
    if ticket.state not in (TicketState.RESTORED, TicketState.CLOSED):
        return StepRefused(key="ticket.refused.not_restored")
    return replace(ticket, state=reached(ticket), restored_at_us=None, closed_at_us=None)


def reached(ticket: Ticket) -> TicketState:
    """Return how far the work had come, leaving telemetry aside."""
    if ticket.on_site_at_us is not None:
        return TicketState.ON_SITE
    if ticket.en_route_at_us is not None:
        return TicketState.EN_ROUTE
    return TicketState.REPORTED if ticket.acknowledged_at_us is None else TicketState.ACKNOWLEDGED


def _close(ticket: Ticket, event: Close, at_us: int) -> Ticket | StepRefused:
    if ticket.state is TicketState.CLOSED:
        return StepRefused(key="ticket.refused.over")
    if ticket.state is not TicketState.RESTORED:
        return StepRefused(key="ticket.refused.not_restored")
    if event.report is None and ticket.on_site_at_us is not None:
        return StepRefused(key="ticket.refused.report_missing")
    closed_us = max(at_us, ticket.restored_at_us or at_us)
    return replace(
        ticket, state=TicketState.CLOSED, closed_at_us=closed_us, report=event.report or ticket.report
    )


def _lapse(ticket: Ticket) -> Ticket | StepRefused:
    if ticket.state not in (TicketState.ACKNOWLEDGED, TicketState.EN_ROUTE):
        return StepRefused(key="ticket.refused.over")
    return replace(
        ticket,
        state=TicketState.REPORTED,
        acknowledged_at_us=None,
        acknowledged_by="",
        en_route_at_us=None,
        progress_at_us=None,
    )


def _stop(ticket: Ticket, event: StopClocks, at_us: int) -> Ticket | StepRefused:
    if not ticket.working:
        return StepRefused(key="ticket.refused.over")
    if ticket.paused:
        return StepRefused(key="ticket.refused.already_paused")
    pause = Pause(from_us=at_us, until_us=None, reason=event.reason, who=event.who, note=event.note)
    return replace(ticket, pauses=(*ticket.pauses, pause))


def _resume(ticket: Ticket, at_us: int) -> Ticket | StepRefused:
    if not ticket.paused:
        return StepRefused(key="ticket.refused.not_paused")
    return replace(ticket, pauses=_ended(ticket.pauses, at_us))


def _regrade(ticket: Ticket, event: Regrade) -> Ticket:
    return replace(
        ticket,
        criticality=event.criticality,
        worst_criticality=min(ticket.worst_criticality, event.criticality, key=lambda one: one.weight),
        resolution_limit_us=tightened(ticket.resolution_limit_us, event.criticality),
    )


def _merge(ticket: Ticket, event: Merge, at_us: int) -> Ticket:
    return replace(
        ticket,
        state=TicketState.MERGED,
        merged_into=event.into,
        closed_at_us=at_us,
        pauses=_ended(ticket.pauses, at_us),
    )


def _ended(pauses: tuple[Pause, ...], at_us: int) -> tuple[Pause, ...]:
    if not pauses or pauses[-1].until_us is not None:
        return pauses
    return (*pauses[:-1], replace(pauses[-1], until_us=max(at_us, pauses[-1].from_us)))
