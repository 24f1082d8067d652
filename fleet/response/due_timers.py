"""Timers that are due, by kind; inside the engine's transaction."""

from fleet.incidents.context import CycleContext
from fleet.lang.i18n import t
from fleet.notify.compose import Occasion
from fleet.paging import paging, plan_gaps
from fleet.paging.validity import WAKE
from fleet.shift import log as shift
from fleet.shift.log import EntryKind
from fleet.tickets import actions, parts, timers
from fleet.tickets import store as tickets
from fleet.tickets.duties import DutyKind, arm, duties
from fleet.tickets.model import Close, Lapse, StepRefused
from fleet.tickets.timers import Timer

WHO = "telemetry"
SYSTEM = "passerelle"


def fire_due(context: CycleContext) -> None:
    """Claim what is due and fire it in the same transaction."""
    due = timers.claim(context.connection, now_us=context.now_us)
    pages = [timer for timer in due if timer.kind == paging.PAGE]
    wakes = [timer for timer in due if timer.kind == WAKE]
    if pages:
        paging.fire(context, pages)
    if wakes:
        paging.fire_wakes(context, wakes)
    if any(timer.kind == plan_gaps.KIND for timer in due):
        plan_gaps.look(context)
    plan_gaps.arm(context.connection, context.now_us)
    for timer in due:
        if timer.kind == parts.LOW:
            _note_low_stock(context, timer.subject_id)
        if timer.kind in tuple(DutyKind):
            _duty(context, timer)


def _duty(context: CycleContext, timer: Timer) -> None:
    ticket = tickets.get(context.connection, timer.subject_id)
    kind = DutyKind(timer.kind)
    planned = {one.kind: one.at_us for one in duties(ticket, context.now_us)}
    if kind not in planned:
        return
    if planned[kind] > context.now_us:
        arm(context.connection, ticket, context.now_us)
        return
    match kind:
        case DutyKind.PROGRESS:
            _lapse(context, ticket.id)
        case DutyKind.WARNING | DutyKind.OVERDUE:
            paging.warn(context, ticket, Occasion(kind.value))
        case DutyKind.SETTLED:
            event = Close(who=WHO, via=WHO, at_us=context.now_us)
            actions.act(context.connection, ticket.id, event, context.now_us)


def _lapse(context: CycleContext, ticket_id: int) -> None:
    event = Lapse(who=WHO, via=WHO, at_us=context.now_us)
    after = actions.act(context.connection, ticket_id, event, context.now_us)
    if not isinstance(after, StepRefused):
        paging.plan_page(context.connection, ticket_id, due_at_us=context.now_us, occasion=Occasion.LAPSED)


def _note_low_stock(context: CycleContext, part_id: int) -> None:
    """Write an open entry on the main courante about a stock that is low, unless it was filled since."""
    found = next((one for one in parts.stock(context.connection) if one.id == part_id), None)
    if found is None or not (found.low or found.count < 0):
        return
    key = "stock.below" if found.count < 0 else "stock.low"
    text = t("fr", key, depot=found.depot, name=found.name, count=found.count, limit=found.low_limit)
    shift.write(context.connection, kind=EntryKind.FOLLOW, text=text, who=SYSTEM, now_us=context.now_us)
