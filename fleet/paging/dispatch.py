"""One person, several tickets, one message a channel: mail at once, what wakes people when it may."""

from dataclasses import dataclass, replace
from typing import Any

from fleet.durations import HOUR_US
from fleet.incidents.context import CycleContext
from fleet.notify import outbox, timing
from fleet.notify.compose import Occasion, bundle, compose
from fleet.notify.model import Channel
from fleet.oncall.model import Person
from fleet.paging.subjects import subject
from fleet.paging.validity import Statement, written
from fleet.tickets.clocks import intervention
from fleet.tickets.model import Criticality, Ticket

LOOK_BACK_US = HOUR_US
"""How far throttles look back: their longest window."""

TEAM_LANGUAGE = "fr"
"""Rooms are read by everybody: no acknowledge link, no access notes."""


@dataclass(frozen=True, slots=True)
class About:
    """One ticket to speak of, why, and what makes the message the same one again."""

    ticket: Ticket
    occasion: Occasion
    key: str
    missing: tuple[str, ...] = ()
    """Skills that nobody on call has."""
    round_number: int = 0
    """How many times somebody was called about it before."""


def dispatch(
    context: CycleContext, person: Person, about: list[About], key_prefix: str
) -> list[tuple[About, int]]:
    """Write the messages to one person; return what may wake them only later, with when."""
    about = sorted(about, key=lambda one: (one.ticket.criticality.weight, one.ticket.reported_at_us))
    _enqueue(context, person, about, Channel.MAIL, key_prefix)
    if not person.phone or Channel.SMS not in outbox.enabled_channels(context.connection):
        return []
    at = [(one, _wake_at_us(context, one)) for one in about]
    soon = [one for one, at_us in at if at_us <= context.now_us]
    if soon:
        wake(context, person, soon, key_prefix)
    return [
        (one, at_us) for one, at_us in at if at_us > context.now_us and one.occasion is not Occasion.ENDED
    ]


def wake(
    context: CycleContext,
    person: Person,
    about: list[About],
    key_prefix: str,
    channel: Channel = Channel.SMS,
) -> None:
    """Write one message to one person; an SMS is held back by the throttle if they got many."""
    _enqueue(context, person, about, channel, key_prefix)


def _wake_at_us(context: CycleContext, one: About) -> int:
    ticket = one.ticket
    due_us = intervention(ticket, context.now_us).due_at_us if ticket.on_site_at_us is None else None
    return timing.wake_at_us(
        critical=ticket.criticality is Criticality.CRITICAL, on_site_due_us=due_us, now_us=context.now_us
    )


def _enqueue(
    context: CycleContext, person: Person, about: list[About], channel: Channel, key_prefix: str
) -> None:
    lang, connection = person.language, context.connection
    found = [
        replace(
            subject(context, one.ticket, occasion=one.occasion, lang=lang),
            missing=one.missing,
            round_number=one.round_number,
        )
        for one in about
    ]
    messages = [compose(each, lang, context.now_us) for each in found]
    due_us = context.now_us
    if channel is Channel.SMS:
        recent = outbox.recent_to(connection, person.id, channel, context.now_us - LOOK_BACK_US)
        due_us = timing.throttled_until_us(recent, context.now_us)
    key = outbox.short_key(f"{key_prefix}/" + "+".join(one.key for one in about))
    outbox.enqueue(
        connection,
        key=f"{key}/{person.id}/{channel.value}",
        channel=channel,
        address=person.phone if channel is Channel.SMS else person.email,
        message=bundle(messages, lang),
        now_us=context.now_us,
        due_at_us=due_us,
        person_id=person.id,
        ticket_ids=[one.ticket.id for one in about],
        detail=_statements(about),
    )


def tell_team(context: CycleContext, one: About, key_prefix: str) -> None:
    """Write to the team's rooms, once a cause, if there are any."""
    if Channel.APPRISE not in outbox.enabled_channels(context.connection):
        return
    found = subject(context, one.ticket, occasion=one.occasion, lang=TEAM_LANGUAGE)
    outbox.enqueue(
        context.connection,
        key=f"{key_prefix}/{one.key}/team",
        channel=Channel.APPRISE,
        address="team",
        message=compose(replace(found, link="", sites=()), TEAM_LANGUAGE, context.now_us),
        now_us=context.now_us,
        ticket_ids=[one.ticket.id],
        detail=_statements([one]),
    )


def _statements(about: list[About]) -> dict[str, Any]:
    return written(
        [
            Statement(
                ticket_id=one.ticket.id,
                occasion=one.occasion,
                criticality=one.ticket.criticality,
                round_number=one.round_number,
            )
            for one in about
        ]
    )
