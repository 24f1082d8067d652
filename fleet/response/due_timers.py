"""Timers that are due, by kind; inside the engine's transaction."""

from fleet.incidents.context import Scene
from fleet.lang.i18n import t
from fleet.notify.compose import Occasion
from fleet.paging import paging, plan_gaps
from fleet.shift import log as shift
from fleet.shift.log import EntryKind
from fleet.tickets import actions, parts, timers
from fleet.tickets import store as tickets
from fleet.tickets.duties import DutyKind, arm, duties
from fleet.tickets.model import Close, Lapse, Refused
from fleet.tickets.timers import Timer

WHO = "telemetry"
SYSTEM = "passerelle"


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
            _note_low_stock(scene, timer.subject_id)
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


def _note_low_stock(scene: Scene, part_id: int) -> None:
    """Write an open entry on the main courante about a stock that is low, unless it was filled since."""
    found = next((one for one in parts.stock(scene.connection) if one.id == part_id), None)
    if found is None or not (found.low or found.count < 0):
        return
    key = "stock.below" if found.count < 0 else "stock.low"
    text = t("fr", key, depot=found.depot, name=found.name, count=found.count, limit=found.low_limit)
    shift.write(scene.connection, kind=EntryKind.FOLLOW, text=text, who=SYSTEM, now_us=scene.now_us)
