"""Who may begin now: those that wait without a reason of their own, as far as the oracle lets them; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from fleet.facts.months import Window
from fleet.rollouts.machine import needs_revert
from fleet.rollouts.model import GatewayStep, Hold, Observed, Rollout, RolloutState, Step
from fleet.safety.absences import PERMIT_LIFE_US
from fleet.safety.model import Absence, AbsenceKind, Question, Refusal, RefusalKind
from fleet.safety.oracle import most_with, ok_to_stop
from fleet.safety.view import SafetyView


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Who may begin together, and why each of the others may not."""

    may_begin: frozenset[str] = frozenset()
    refused: Mapping[str, Refusal] = field(default_factory=dict)
    """EUI → the first reason against it."""


def choose(
    rollout: Rollout,
    observed: Mapping[str, Observed],
    view: SafetyView,
    absences: Sequence[Absence],
    now_us: int,
) -> Choice:
    """Return who of the present wave may begin beside the absences, which include this rollout's own."""
    waiting = [
        one.eui
        for one in _candidates(rollout)
        if (seen := observed.get(one.eui)) is not None and seen.registered and seen.hold is Hold.NONE
    ]
    window = Window(now_us, now_us + PERMIT_LIFE_US)
    limits = rollout.settings.limits
    refused: dict[str, Refusal] = {}
    for position, eui in enumerate(waiting):
        question = Question(euis=(eui,), window=window)
        answer = ok_to_stop(view, question, absences, limits)
        if not answer.is_yes:
            refused[eui] = answer.refusals[0]
            continue
        others = waiting[position + 1 :]
        room = rollout.settings.together_max - 1
        along = most_with(view, question, candidates=others, most=room, absences=absences, limits=limits)
        begin = frozenset((eui, *along))
        beside = [*absences, *_beginning(begin, window)]
        for other in others:
            if other not in begin:
                late = ok_to_stop(view, Question(euis=(other,), window=window), beside, limits)
                refused |= {other: late.refusals[0]} if late.refusals else {}
        return Choice(may_begin=begin, refused=refused)
    return Choice(refused=refused)


def _candidates(rollout: Rollout) -> list[GatewayStep]:
    if rollout.state is RolloutState.ROLLING_BACK:
        return [one for _, one in sorted(rollout.steps.items()) if needs_revert(rollout, one)]
    return [one for one in rollout.of_wave(rollout.wave) if one.step is Step.PENDING]


def _beginning(euis: Iterable[str], window: Window) -> list[Absence]:
    return [Absence(eui=eui, window=window, kind=AbsenceKind.ROLLOUT) for eui in euis]


class _Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    kind: str
    insee: str = ""
    commune: str = ""
    sensors: int = 0
    out: tuple[str, ...] = ()


def kept(refusal: Refusal) -> str:
    """Return a refusal as a line to keep; ``refusal_of`` reads it back without the absences."""
    one = _Kept(refusal.kind, refusal.insee, refusal.commune, refusal.sensors, refusal.out)
    return msgspec.json.encode(one).decode()


def refusal_of(eui: str, line: str) -> Refusal | None:
    """Return the refusal that a line keeps; None: it keeps none."""
    try:
        one = msgspec.json.decode(line, type=_Kept)
        return Refusal(
            eui=eui,
            kind=RefusalKind(one.kind),
            insee=one.insee,
            commune=one.commune,
            sensors=one.sensors,
            out=one.out,
        )
    except (msgspec.MsgspecError, ValueError):
        return None
