"""Messages about tickets: due timers become outbox rows, one per person for all that is due at once."""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import Connection

from fleet.incidents.escalation import GROUP_WAIT_US, step
from fleet.incidents.scene import Scene
from fleet.incidents.subjects import subject
from fleet.notify import outbox
from fleet.notify.compose import Occasion, bundle, compose
from fleet.notify.model import Channel
from fleet.oncall import store as oncall
from fleet.oncall.model import Person
from fleet.tickets import store as tickets
from fleet.tickets import timers
from fleet.tickets.model import Ticket
from fleet.tickets.timers import Timer

PAGE = "page"
WHO = "telemetry"

Wanted = dict[int, list[tuple[Ticket, Occasion]]]


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
    return bool(outbox.told(connection, ticket_id))


def fire(scene: Scene, due: Iterable[Timer]) -> None:
    """Write the messages of every page timer that is due, bundled by person."""
    on_call = oncall.on_call_now(scene.connection, scene.now_us)
    wanted: Wanted = defaultdict(list)
    keys: dict[int, list[str]] = defaultdict(list)
    people = {one.person.id: one.person for one in on_call}
    for timer in due:
        ticket = tickets.get(scene.connection, timer.subject_id)
        if not ticket.working or (ticket.acknowledged_at_us is not None and not _worse(timer)):
            continue
        number = int(timer.detail["round"])
        this = step(number, on_call)
        for one in this.people:
            wanted[one.person.id].append((ticket, Occasion(timer.detail["occasion"])))
            keys[one.person.id].append(f"{ticket.id}.{timer.due_at_us}")
        if not this.people:
            _note_nobody(scene, ticket)
        if this.next_in_us is not None and ticket.acknowledged_at_us is None:
            plan_page(
                scene.connection,
                ticket.id,
                due_at_us=scene.now_us + this.next_in_us,
                round_number=number + 1,
                occasion=Occasion.ESCALATED if number == 0 else Occasion.REMINDER,
            )
    for person_id, about in wanted.items():
        _send(scene, people[person_id], about, "page/" + "+".join(keys[person_id]))


def _worse(timer: Timer) -> bool:
    return str(timer.detail["occasion"]) == Occasion.WORSE


def _note_nobody(scene: Scene, ticket: Ticket) -> None:
    instants = {"at_us": scene.now_us, "now_us": scene.now_us}
    tickets.log(scene.connection, ticket.id, kind="NobodyOnCall", who=WHO, via=WHO, detail={}, **instants)


def tell_end(scene: Scene, ticket: Ticket) -> None:
    """Tell everybody who was told of the beginning that it is over."""
    persons = oncall.everybody(scene.connection)
    for person_id in outbox.told(scene.connection, ticket.id):
        if person_id in persons:
            key = f"end/{ticket.id}/{ticket.restored_at_us}"
            _send(scene, persons[person_id], [(ticket, Occasion.ENDED)], key)


def _send(scene: Scene, person: Person, about: list[tuple[Ticket, Occasion]], key: str) -> None:
    lang = person.language
    about = sorted(about, key=lambda item: (item[0].criticality.weight, item[0].reported_at_us))
    messages = [
        compose(subject(scene, ticket, occasion=occasion, lang=lang), lang, scene.now_us)
        for ticket, occasion in about
    ]
    outbox.enqueue(
        scene.connection,
        key=f"{outbox.short_key(key)}/{person.id}/mail",
        channel=Channel.MAIL,
        address=person.email,
        message=bundle(messages, lang),
        now_us=scene.now_us,
        person_id=person.id,
        ticket_ids=[ticket.id for ticket, _ in about],
    )
