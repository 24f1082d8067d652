"""Whether the gateways of a wave do worse since their change than others in the same hours; pure.

    each gateway    now beside the median of the same hours on days before the change  ──▶ its shift
    each metric     shifts of the wave beside shifts of the control group  ──▶ rank sum, effect, verdict
    all together    one is WORSE: WORSE; one has NOT_ENOUGH: NOT_ENOUGH; else FINE

Weather, weekdays and trouble of a network server touch both groups alike and cancel out.  A metric is worse
only when chance is improbable and the effect matters.  It is looked at every hour of the soak and once at its
end: chances of a false alarm are added over looks, metrics and waves, so that of a hundred rollouts that
change nothing at most one is halted.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean, median

from fleet.rollouts.model import Judgement
from fleet.rollouts.ranks import least_p, lower_p


class Metric(StrEnum):
    """What is compared."""

    FRAMES = "frames"
    """Frames that a network server acknowledged."""
    RTT = "rtt"
    """Round trip to the fleet manager, milliseconds."""
    MEMORY = "memory"
    """Memory in use, percent."""
    RESTARTS = "restarts"
    """Boots that began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One metric of one gateway."""

    now: float | None
    """Since the wave is watched; None: it was not measured."""
    usual: tuple[float, ...]
    """In the same hours of each day before the change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One metric of both groups."""

    wave: Sequence[Measured]
    control: Sequence[Measured]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one metric says."""

    metric: Metric
    judgement: Judgement
    effect: float | None = None
    """How the wave differs from the control group: a share (-0.18 is 18 % less); restarts: how many more."""
    p: float | None = None
    """How probable as much or more is by chance."""
    wave: int = 0
    """Gateways of the wave with enough observations."""
    control: int = 0


FINAL_P = 0.0005
"""Chance of a false alarm of one metric at the end of a soak: times 4 waves, 4 metrics, and with 24 looks at
``EARLY_P`` before, 1 %."""
EARLY_P = 0.000_005
"""The same at each hour before."""
WAVE_MIN = 3
"""Gateways of the wave."""
CONTROL_MIN = 20
USUAL_DAYS_MIN = 3
"""Days before the change with observations."""
FRAMES_MIN = 30
"""Frames usual in these hours: below, chance alone is a fifth (Poisson)."""
MATTERS: Mapping[Metric, float] = {
    Metric.FRAMES: -0.05,
    Metric.RTT: 0.20,
    Metric.MEMORY: 0.10,
    Metric.RESTARTS: 0.10,
}
"""From which effect on a metric can be worse; its sign is the bad direction."""
OPTIONAL = frozenset({Metric.RTT, Metric.MEMORY})
"""Left out where no gateway of the wave ever measured it."""


def judge(evidence: Mapping[Metric, Evidence], *, final: bool) -> tuple[Judgement, tuple[Finding, ...]]:
    """Return what the measurements say together and one by one; ``final``: the soak is over.

    A final look without enough observations is looked at again later, with the chances of an early one.
    """
    wanted = [one for one in Metric if not _is_left_out(one, evidence[one])]
    groups = {one: _shifts(one, evidence[one]) for one in wanted}
    limit = FINAL_P if final and all(_has_enough(*one, FINAL_P) for one in groups.values()) else EARLY_P
    findings = tuple(_finding(one, *groups[one], limit, final=final) for one in wanted)
    found = {one.judgement for one in findings}
    for worst in (Judgement.WORSE, Judgement.NOT_ENOUGH):
        if worst in found:
            return worst, findings
    return Judgement.FINE, findings


def _is_left_out(metric: Metric, evidence: Evidence) -> bool:
    return metric in OPTIONAL and all(one.now is None and not one.usual for one in evidence.wave)


def _shifts(metric: Metric, evidence: Evidence) -> tuple[list[float], list[float]]:
    wave, control = (
        [shift for one in group if (shift := _shift(metric, one)) is not None]
        for group in (evidence.wave, evidence.control)
    )
    return wave, control


def _shift(metric: Metric, one: Measured) -> float | None:
    """Return how far one gateway is from what is usual for it; None: too little is known."""
    if one.now is None or len(one.usual) < USUAL_DAYS_MIN:
        return None
    usual = median(one.usual)
    if metric is Metric.RESTARTS:
        return one.now - usual
    if metric is Metric.FRAMES and usual < FRAMES_MIN:
        return None
    return math.log((one.now + 0.5) / (usual + 0.5))


def _has_enough(wave: Sequence[float], control: Sequence[float], limit: float) -> bool:
    """Return whether these groups are large enough to show anything."""
    if len(wave) < WAVE_MIN or len(control) < CONTROL_MIN:
        return False
    return least_p(len(wave), len(control)) <= limit


def _finding(
    metric: Metric, wave: Sequence[float], control: Sequence[float], limit: float, *, final: bool
) -> Finding:
    sizes = {"wave": len(wave), "control": len(control)}
    if not _has_enough(wave, control, FINAL_P if final else limit):
        return Finding(metric=metric, judgement=Judgement.NOT_ENOUGH, **sizes)
    effect, sign = _effect(metric, wave, control), math.copysign(1, MATTERS[metric])
    p = lower_p([-sign * one for one in wave], [-sign * one for one in control])
    matters = sign * effect >= sign * MATTERS[metric]
    verdict = Judgement.WORSE if p <= limit and matters else Judgement.FINE
    return Finding(metric=metric, judgement=verdict, effect=effect, p=p, **sizes)


def _effect(metric: Metric, wave: Sequence[float], control: Sequence[float]) -> float:
    if metric is Metric.RESTARTS:
        return fmean(wave) - fmean(control)
    return math.expm1(median(wave) - median(control))
