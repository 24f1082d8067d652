"""One step of a rollout: what was seen and the time make the next state and what is to be done; pure.

    RUNNING, APPLYING   settle what began → too many failures: HALTED
                        begin those that may → nobody begins and nobody is under way: SOAKING
    RUNNING, SOAKING    a gateway that was lost is a failure; soaked and judged fine: next wave, or DONE
    ROLLING_BACK        revert those that may go, until all that were touched are back: ROLLED_BACK

Silence is a failure.  A deferred gateway moves to the next wave; in the last it is waited for.
Sources: DESIGN §8; Wilson, JASA 22 (1927), 209-212 (bound of a share).
"""

import math
from dataclasses import replace

from fleet.rollouts.model import (
    OPEN_STATES,
    Act,
    ActKind,
    Failure,
    GatewayStep,
    Hold,
    Judgement,
    Observed,
    Rollout,
    RolloutState,
    Seen,
    Situation,
    Step,
    WaveState,
)

CONFIDENCE_Z = 1.645
"""95 % one-sided (standard normal quantile)."""
ABSENT = Observed(serving=False, registered=False)
FAILURES = {Seen.ROLLED_BACK: Failure.ROLLED_BACK, Seen.REFUSED: Failure.REFUSED}


def advance(rollout: Rollout, situation: Situation) -> tuple[Rollout, tuple[Act, ...]]:
    """Return the rollout after a look at the network, and what is to be done, in order."""
    if rollout.state is RolloutState.ROLLING_BACK:
        return _rolled_back(rollout, situation)
    if rollout.state not in OPEN_STATES:
        return rollout, ()
    rollout, acts = _settled(rollout, situation)
    if rollout.state is not RolloutState.RUNNING:
        return rollout, acts
    if has_too_many_failures(rollout):
        return _halted(rollout, "failures", situation.now_us), acts
    if rollout.wave_state is WaveState.SOAKING:
        return _soaked(rollout, situation), acts
    rollout, begun = _begun(rollout, situation)
    return rollout, acts + begun


def failed_share_low(failed: int, of: int, z: float = CONFIDENCE_Z) -> float:
    """Return the lower Wilson bound of a share: it is surely at least this.

    >>> round(failed_share_low(1, 1), 2), round(failed_share_low(1, 20), 3), failed_share_low(0, 5)
    (0.27, 0.011, 0.0)
    """
    if not of or not failed:
        return 0.0
    share = failed / of
    spread = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(0.0, (share + z * z / (2 * of) - spread) / (1 + z * z / of))


def has_too_many_failures(rollout: Rollout) -> bool:
    """Return whether surely more gateways of the present wave fail than the settings allow."""
    ended = [one for one in rollout.of_wave(rollout.wave) if one.step in (Step.DONE, Step.FAILED)]
    failed = sum(one.step is Step.FAILED and not one.forgiven for one in ended)
    return failed_share_low(failed, len(ended)) * 1_000_000 > rollout.settings.failed_max_ppm


def _settled(rollout: Rollout, situation: Situation) -> tuple[Rollout, tuple[Act, ...]]:
    """Return what became of the gateways that began.

    What failed on a gateway is at once no longer desired of it, so that nothing is built on it and a gateway
    that comes back does not take it.
    """
    steps, acts = dict(rollout.steps), []
    for eui, one in rollout.steps.items():
        seen = situation.observed.get(eui, ABSENT)
        if not seen.registered and one.step in (Step.PENDING, Step.APPLYING):
            steps[eui] = replace(one, step=Step.SKIPPED, since_us=situation.now_us, hold=Hold.NONE)
        elif one.step is Step.APPLYING:
            steps[eui] = _ended(one, seen, rollout.settings.silent_limit_us, situation.now_us)
            if steps[eui].step is Step.FAILED:
                acts.append(Act(kind=ActKind.REVERT, eui=eui))
        elif one.step is Step.DONE and one.wave == rollout.wave and not seen.serving:
            steps[eui] = _failed(one, Failure.LOST, "", situation.now_us)
    return replace(rollout, steps=steps), tuple(acts)


def _ended(one: GatewayStep, seen: Observed, silent_limit_us: int, now_us: int) -> GatewayStep:
    if seen.seen is Seen.WORKING:
        return replace(one, step=Step.DONE, since_us=now_us)
    if seen.seen in FAILURES:
        return _failed(one, FAILURES[seen.seen], seen.reason, now_us)
    if now_us - one.since_us >= silent_limit_us:
        return _failed(one, Failure.SILENT, "", now_us)
    return one


def _failed(one: GatewayStep, failure: Failure, reason: str, now_us: int) -> GatewayStep:
    return replace(one, step=Step.FAILED, failure=failure, reason=reason, since_us=now_us)


def _halted(rollout: Rollout, why: str, now_us: int) -> Rollout:
    back = rollout.settings.roll_back_by_itself
    state = RolloutState.ROLLING_BACK if back else RolloutState.HALTED
    return replace(rollout, state=state, halted_why=why, since_us=now_us)


def _begun(rollout: Rollout, situation: Situation) -> tuple[Rollout, tuple[Act, ...]]:
    """Let those begin that may; end the wave when nobody does and nobody is under way."""
    steps, acts = dict(rollout.steps), []
    present = rollout.of_wave(rollout.wave)
    room = rollout.settings.together_max - sum(one.step is Step.APPLYING for one in present)
    for one in present:
        if one.step is not Step.PENDING:
            continue
        hold = _hold(one, situation)
        if hold is Hold.NONE and room > 0:
            room -= 1
            steps[one.eui] = replace(
                one, step=Step.APPLYING, since_us=situation.now_us, hold=Hold.NONE, reason=""
            )
            acts.append(Act(kind=ActKind.ISSUE, eui=one.eui))
        elif hold is not Hold.NONE:
            reason = situation.refused_why.get(one.eui, "") if hold is Hold.NEEDED else ""
            steps[one.eui] = replace(one, hold=hold, reason=reason)
    after = replace(rollout, steps=steps)
    return (_soaking(after, situation) if _is_over(after, situation) else after), tuple(acts)


def _hold(one: GatewayStep, situation: Situation) -> Hold:
    seen = situation.observed.get(one.eui, ABSENT)
    if situation.hold is not Hold.NONE:
        return situation.hold
    if seen.hold is not Hold.NONE:
        return seen.hold
    return Hold.NONE if one.eui in situation.may_begin else Hold.NEEDED


def _is_over(rollout: Rollout, situation: Situation) -> bool:
    """Return whether the present wave has nobody under way and nobody worth waiting for."""
    if situation.hold is not Hold.NONE:
        return False
    present = rollout.of_wave(rollout.wave)
    steps = {one.step for one in present}
    if Step.APPLYING in steps:
        return False
    waiting = Step.PENDING in steps
    is_last = rollout.wave == len(rollout.waves) - 1
    if is_last and waiting:
        return situation.now_us - rollout.wave_since_us >= rollout.settings.straggler_limit_us
    return not waiting or Step.DONE in steps


def _soaking(rollout: Rollout, situation: Situation) -> Rollout:
    """Begin to watch; who was deferred comes with the next wave, or not at all after the last."""
    is_last = rollout.wave == len(rollout.waves) - 1
    steps = dict(rollout.steps)
    for one in rollout.of_wave(rollout.wave):
        if one.step is Step.PENDING:
            steps[one.eui] = (
                replace(one, step=Step.SKIPPED, since_us=situation.now_us)
                if is_last
                else replace(one, wave=rollout.wave + 1)
            )
    return replace(rollout, steps=steps, wave_state=WaveState.SOAKING, wave_since_us=situation.now_us)


def _soaked(rollout: Rollout, situation: Situation) -> Rollout:
    now_us = situation.now_us
    touched = any(one.step in (Step.DONE, Step.FAILED) for one in rollout.of_wave(rollout.wave))
    if touched and rollout.settings.judged and situation.judgement is Judgement.WORSE:
        return _halted(rollout, "worse", now_us)
    if touched and now_us - rollout.wave_since_us < rollout.waves[rollout.wave].soak_us:
        return rollout
    if touched and rollout.settings.judged and situation.judgement is not Judgement.FINE:
        return rollout
    if rollout.wave == len(rollout.waves) - 1:
        return replace(rollout, state=RolloutState.DONE, since_us=now_us)
    return replace(rollout, wave=rollout.wave + 1, wave_state=WaveState.APPLYING, wave_since_us=now_us)


def _rolled_back(rollout: Rollout, situation: Situation) -> tuple[Rollout, tuple[Act, ...]]:
    """Revert those that may go; one that serves nobody is reverted at once."""
    steps, acts = dict(rollout.steps), []
    for eui, one in sorted(rollout.steps.items()):
        if one.wave < rollout.back_from_wave:
            continue
        steps[eui] = _going_back(rollout, one, situation)
        if steps[eui].step is Step.REVERTING is not one.step:
            acts.append(Act(kind=ActKind.REVERT, eui=eui))
    after = replace(rollout, steps=steps)
    if not any(needs_revert(after, one) or one.step is Step.REVERTING for one in steps.values()):
        after = replace(after, state=RolloutState.ROLLED_BACK, since_us=situation.now_us)
    return after, tuple(acts)


def needs_revert(rollout: Rollout, one: GatewayStep) -> bool:
    """Return whether a gateway still has the version that is taken back."""
    lost = one.step is Step.FAILED and one.failure is Failure.LOST
    return one.wave >= rollout.back_from_wave and (one.step in (Step.APPLYING, Step.DONE) or lost)


def _going_back(rollout: Rollout, one: GatewayStep, situation: Situation) -> GatewayStep:
    seen, now_us = situation.observed.get(one.eui, ABSENT), situation.now_us
    if one.step is Step.PENDING or (not seen.registered and one.step is not Step.REVERTED):
        return replace(one, step=Step.SKIPPED, since_us=now_us, hold=Hold.NONE)
    if needs_revert(rollout, one):
        may = one.eui in situation.may_begin or not seen.serving
        return replace(one, step=Step.REVERTING, since_us=now_us) if may else one
    if one.step is Step.FAILED or (one.step is Step.REVERTING and seen.seen is Seen.WORKING):
        return replace(one, step=Step.REVERTED, since_us=now_us)
    if one.step is Step.REVERTING and now_us - one.since_us >= rollout.settings.silent_limit_us:
        return replace(one, step=Step.REVERTED, failure=Failure.SILENT, since_us=now_us)
    return one


# --- what people do ---------------------------------------------------------------------------------
class NotNow(ValueError):
    """What a person asked for does not fit the state of the rollout."""

    def __init__(self, state: RolloutState) -> None:
        super().__init__(state)
        self.state = state


def paused(rollout: Rollout, now_us: int) -> Rollout:
    """Return the rollout in which nothing new begins.

    Raises:
        NotNow: it does not run.
    """
    return _moved(rollout, {RolloutState.RUNNING}, RolloutState.PAUSED, now_us)


def resumed(rollout: Rollout, now_us: int) -> Rollout:
    """Return the rollout that goes on; what failed before is not held against the wave again.

    Raises:
        NotNow: it is neither paused nor halted.
    """
    after = _moved(rollout, {RolloutState.PAUSED, RolloutState.HALTED}, RolloutState.RUNNING, now_us)
    steps = {
        eui: replace(one, forgiven=True) if one.step is Step.FAILED else one
        for eui, one in after.steps.items()
    }
    return replace(after, steps=steps, halted_why="")


def halted(rollout: Rollout, why: str, now_us: int) -> Rollout:
    """Return the rollout that a person stopped for good.

    Raises:
        NotNow: it runs no more.
    """
    after = _moved(rollout, {RolloutState.RUNNING, RolloutState.PAUSED}, RolloutState.HALTED, now_us)
    return replace(after, halted_why=why)


def taken_back(rollout: Rollout, now_us: int, from_wave: int = 0) -> Rollout:
    """Return the rollout that goes back to what was before, from a wave on.

    Raises:
        NotNow: it is rolled back already.
    """
    states = {RolloutState.RUNNING, RolloutState.PAUSED, RolloutState.HALTED, RolloutState.DONE}
    return replace(_moved(rollout, states, RolloutState.ROLLING_BACK, now_us), back_from_wave=from_wave)


def _moved(rollout: Rollout, states: set[RolloutState], to: RolloutState, now_us: int) -> Rollout:
    if rollout.state not in states:
        raise NotNow(rollout.state)
    return replace(rollout, state=to, since_us=now_us)
