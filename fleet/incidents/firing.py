"""Timers that are due, by kind; inside the engine's transaction."""

from fleet.incidents import paging, plan_gaps, stock
from fleet.incidents.scene import Scene
from fleet.notify.compose import Occasion
from fleet.tickets import actions, parts, timers
from fleet.tickets import store as tickets
from fleet.tickets.duties import DutyKind, arm, duties
from fleet.tickets.model import Close, Lapse, Refused
from fleet.tickets.timers import Timer

WHO = "telemetry"


def fire_due(scene: Scene) -> None:
    """Claim what is due and fire it in the same transaction."""
    due = timers.claim(scene.connection, now_us=scene.now_us)
    pages = [timer for timer in due if timer.kind == paging.PAGE]
    wakes = [timer for timer in due if timer.kind == paging.WAKE]
    if pages:
        paging.fire(scene, pages)
    if wakes:
        paging.fire_wakes(scene, wakes)
    if any(timer.kind == plan_gaps.KIND for timer in due):
        plan_gaps.look(scene)
    plan_gaps.arm(scene.connection, scene.now_us)
    for timer in due:
        if timer.kind == parts.LOW:
            stock.tell_low(scene, timer.subject_id)
        if timer.kind in tuple(DutyKind):
            _duty(scene, timer)


def _duty(scene: Scene, timer: Timer) -> None:
    ticket = tickets.get(scene.connection, timer.subject_id)
    kind = DutyKind(timer.kind)
    planned = {one.kind: one.at_us for one in duties(ticket, scene.now_us)}
    if kind not in planned:
        return
    if planned[kind] > scene.now_us:
        arm(scene.connection, ticket, scene.now_us)
        return
    match kind:
        case DutyKind.PROGRESS:
            _lapse(scene, ticket.id)
        case DutyKind.WARNING | DutyKind.OVERDUE:
            paging.warn(scene, ticket, kind.value)
        case DutyKind.SETTLED:
            event = Close(who=WHO, via=WHO, at_us=scene.now_us)
            actions.act(scene.connection, ticket.id, event, scene.now_us)


def _lapse(scene: Scene, ticket_id: int) -> None:
    event = Lapse(who=WHO, via=WHO, at_us=scene.now_us)
    after = actions.act(scene.connection, ticket_id, event, scene.now_us)
    if not isinstance(after, Refused):
        paging.plan_page(scene.connection, ticket_id, due_at_us=scene.now_us, occasion=Occasion.LAPSED)
