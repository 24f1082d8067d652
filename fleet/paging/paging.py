"""Messages about tickets: due timers become outbox rows, one a person and channel for all due at once."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection

from fleet.incidents import store
from fleet.incidents.context import CycleContext
from fleet.incidents.policy import GROUP_WAIT_US, first_page_at_us, step
from fleet.notify import outbox
from fleet.notify.compose import Occasion
from fleet.notify.model import Channel
from fleet.oncall import store as oncall
from fleet.oncall.model import Person
from fleet.paging.dispatch import About, dispatch, tell_team, wake
from fleet.paging.validity import TO_TAKE, WAKE
from fleet.paging.worksites import choose_for
from fleet.tickets import store as tickets
from fleet.tickets import timers
from fleet.tickets.model import Ticket
from fleet.tickets.timers import Timer

PAGE = "page"
WHO = "telemetry"


def plan_page(
    connection: Connection,
    ticket_id: int,
    *,
    due_at_us: int,
    round_number: int = 0,
    occasion: Occasion = Occasion.OPENED,
) -> None:
    """Arm the next round of messages for a ticket; there is one such timer a ticket."""
    timers.plan(
        connection,
        key=f"page/{ticket_id}",
        kind=PAGE,
        subject_id=ticket_id,
        due_at_us=due_at_us,
        detail={"round": round_number, "occasion": occasion.value},
    )


def plan_first_page(connection: Connection, ticket_id: int, now_us: int) -> None:
    """Arm the first round, a moment later: losses of one cause confirm within seconds of each other."""
    plan_page(connection, ticket_id, due_at_us=now_us + GROUP_WAIT_US)


def was_told(connection: Connection, ticket_id: int) -> bool:
    """Return whether somebody was written to about the ticket; if not, the first message says it all."""
    return bool(outbox.recipients(connection, ticket_id))


def fire(context: CycleContext, due: Iterable[Timer]) -> None:
    """Write the messages of every page timer that is due, bundled by person."""
    on_call = oncall.on_call_now(context.connection, context.now_us)
    people = {one.person.id: one.person for one in on_call}
    wanted: dict[int, list[About]] = defaultdict(list)
    for timer in due:
        ticket = tickets.get(context.connection, timer.subject_id)
        occasion = Occasion(timer.detail["occasion"])
        if not ticket.working or (ticket.acknowledged_at_us is not None and occasion is not Occasion.WORSE):
            continue
        if occasion is Occasion.OPENED and _wait_for_more(context, ticket):
            continue
        chosen = choose_for(context, ticket, on_call)
        number = int(timer.detail["round"])
        this = step(number, chosen.on_call, context.policy)
        about = About(ticket, occasion, f"{ticket.id}.{timer.due_at_us}", chosen.missing, number)
        for one in this.people:
            wanted[one.person.id].append(about)
        if number == 0:
            tell_team(context, about, PAGE)
        if number == 0 and chosen.missing and this.people:
            _note(context, ticket, "SkillMissing", {"skills": list(chosen.missing)})
        if not this.people:
            _note(context, ticket, "NobodyOnCall", {})
        if this.next_in_us is not None and ticket.acknowledged_at_us is None:
            plan_page(
                context.connection,
                ticket.id,
                due_at_us=context.now_us + this.next_in_us,
                round_number=number + 1,
                occasion=Occasion.ESCALATED if number == 0 else Occasion.REMINDER,
            )
    _dispatch_all(context, people, wanted, "page")


def _wait_for_more(context: CycleContext, ticket: Ticket) -> bool:
    """Put the first message off while its incident still grows; return whether that was done."""
    if ticket.incident_id is None or was_told(context.connection, ticket.id):
        return False
    due_us = first_page_at_us(*store.growth(context.connection, ticket.incident_id))
    if due_us <= context.now_us:
        return False
    plan_page(context.connection, ticket.id, due_at_us=due_us)
    return True


def _dispatch_all(
    context: CycleContext, people: dict[int, Person], wanted: dict[int, list[About]], key_prefix: str
) -> None:
    for person_id, about in wanted.items():
        later = dispatch(context, people[person_id], about, key_prefix)
        for one, at_us in later:
            timers.plan(
                context.connection,
                key=f"wake/{one.ticket.id}/{person_id}/{Channel.SMS.value}",
                kind=WAKE,
                subject_id=one.ticket.id,
                due_at_us=at_us,
                detail={
                    "person_id": person_id,
                    "occasion": one.occasion.value,
                    "round": one.round_number,
                    "channel": Channel.SMS.value,
                },
            )


def fire_wakes(context: CycleContext, due: Iterable[Timer]) -> None:
    """Write to people what waited for the morning or was withdrawn as stale, if it still needs somebody."""
    persons = oncall.everybody(context.connection)
    wanted: dict[tuple[int, Channel], list[About]] = defaultdict(list)
    for timer in due:
        ticket = tickets.get(context.connection, timer.subject_id)
        person_id = int(timer.detail["person_id"])
        occasion = Occasion(timer.detail["occasion"])
        to_take = occasion in TO_TAKE and ticket.acknowledged_at_us is not None
        if person_id not in persons or to_take or ticket.working is (occasion is Occasion.ENDED):
            continue
        number, channel = timer.detail.get("round", 0), Channel(timer.detail.get("channel", Channel.SMS))
        key = f"{ticket.id}.{timer.due_at_us}"
        wanted[person_id, channel].append(About(ticket, occasion, key, round_number=number))
    for (person_id, channel), about in wanted.items():
        wake(context, persons[person_id], about, "wake", channel)


def warn(context: CycleContext, ticket: Ticket, occasion: Occasion) -> None:
    """Tell everybody on call that the four hours end, or have ended."""
    on_call = oncall.on_call_now(context.connection, context.now_us)
    people = {one.person.id: one.person for one in on_call}
    about = About(ticket, occasion, f"{ticket.id}.{context.now_us}")
    _dispatch_all(context, people, {person_id: [about] for person_id in people}, occasion.value)


def tell_end(context: CycleContext, ticket: Ticket) -> None:
    """Tell everybody who was told of the beginning that it is over."""
    persons = oncall.everybody(context.connection)
    about = About(ticket, Occasion.ENDED, f"{ticket.id}.{ticket.restored_at_us}")
    tell_team(context, about, "end")
    for person_id in outbox.recipients(context.connection, ticket.id):
        if person_id in persons:
            dispatch(context, persons[person_id], [about], "end")


def _note(context: CycleContext, ticket: Ticket, kind: str, detail: dict[str, Any]) -> None:
    instants = {"at_us": context.now_us, "now_us": context.now_us}
    tickets.log(context.connection, ticket.id, kind=kind, who=WHO, via=WHO, detail=detail, **instants)
