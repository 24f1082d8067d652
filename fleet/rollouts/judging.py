"""A wave that is watched is judged by what was measured: every hour, and when its soak is over.

    rollout, network ──▶ groups ──▶ measurements ──▶ judge ──▶ column ``judgement`` ──▶ Situation, page

What stands is valid until the next hour, or until a person accepts the wave by their own decision.
"""

from collections.abc import Collection
from hashlib import sha256

import msgspec
from sqlalchemy import Connection

from fleet.durations import HOUR_US
from fleet.facts.states import GatewayState
from fleet.live.model import NetworkNow
from fleet.rollouts import store
from fleet.rollouts.judge import CONTROL_MIN, Finding, judge
from fleet.rollouts.measurements import measure, span_of
from fleet.rollouts.model import Judgement, Rollout, RolloutState, Step, WaveState
from fleet.rollouts.plan import CANARY
from fleet.rollouts.store import StoredRollout


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """What stands of a wave."""

    wave: int
    hour: int
    """Whole hours of the soak when it was judged."""
    final: bool
    """Whether the soak was over."""
    at_us: int
    judgement: Judgement
    findings: tuple[Finding, ...] = ()
    controls: int | None = None
    """Control gateways that restarted with the wave; None: the change restarts nobody."""
    accepted_by: str = ""
    """Who let the wave pass by their own decision; empty: nobody."""

    @property
    def valid(self) -> Judgement:
        """What the rollout goes by."""
        return Judgement.FINE if self.accepted_by else self.judgement


def ruling_of(stored: StoredRollout) -> Ruling | None:
    """Return what stands of the present wave; None: it was not judged yet."""
    if stored.judgement is None:
        return None
    ruling = msgspec.convert(stored.judgement, Ruling)
    return ruling if ruling.wave == stored.rollout.wave else None


def ruled(connection: Connection, stored: StoredRollout, network: NetworkNow, now_us: int) -> Ruling | None:
    """Return what stands of the watched wave, measured anew when it is due; None: it is not judged."""
    rollout = stored.rollout
    soaking = rollout.state is RolloutState.RUNNING and rollout.wave_state is WaveState.SOAKING
    if not soaking or not rollout.settings.judged:
        return None
    ruling = ruling_of(stored)
    soaked_us = now_us - rollout.wave_since_us
    hour, final = soaked_us // HOUR_US, soaked_us >= rollout.waves[rollout.wave].soak_us
    if ruling is not None and (ruling.accepted_by or (ruling.hour, ruling.final) == (hour, final)):
        return ruling
    return _new(connection, stored, network, now_us, hour=hour, final=final)


def keep(connection: Connection, stored: StoredRollout, ruling: Ruling) -> None:
    """Store what stands of the present wave."""
    store.save_judgement(connection, stored.id, msgspec.to_builtins(ruling))


def accept(connection: Connection, stored: StoredRollout, who: str, now_us: int) -> None:
    """Let the wave that is watched pass whatever was measured; its soak still runs to its end."""
    known = ruling_of(stored)
    if known is None:
        wave = stored.rollout.wave
        known = Ruling(wave=wave, hour=0, final=False, at_us=now_us, judgement=Judgement.NOT_ENOUGH)
    accepted = msgspec.structs.replace(known, accepted_by=who)
    keep(connection, stored, accepted)


def _new(
    connection: Connection, stored: StoredRollout, network: NetworkNow, now_us: int, *, hour: int, final: bool
) -> Ruling:
    rollout = stored.rollout
    changed = [one for one in rollout.of_wave(rollout.wave) if one.step is Step.DONE]
    since_us = min((one.since_us for one in changed), default=rollout.wave_since_us)
    span = span_of(rollout.wave_since_us, since_us - rollout.settings.silent_limit_us, now_us)
    wave = _spread([one.eui for one in changed])
    restarted = stored.controls.restarted if rollout.waves[rollout.wave].name == CANARY else {}
    control = control_group(rollout, network, restarted)
    judgement, findings = judge(measure(connection, span, wave, control), final=final)
    return Ruling(
        wave=rollout.wave,
        hour=hour,
        final=final,
        at_us=now_us,
        judgement=judgement,
        findings=findings,
        controls=len(restarted.keys() & set(control)) if stored.controls.needed else None,
    )


def control_group(rollout: Rollout, network: NetworkNow, restarted: Collection[str] = ()) -> list[str]:
    """Return gateways that serve and did not change: those that restarted with the wave, where enough did.

    Else those that were not touched; where few are left, those of waves that were judged.  In the last wave
    of a change of everything nobody else is left: theirs was found to be no worse.
    """
    serving = {eui for eui, one in network.gateways.items() if one.state is GatewayState.SERVING}
    alike = serving.intersection(restarted) - rollout.changed
    if len(alike) >= CONTROL_MIN:
        return _spread(list(alike))
    steps = rollout.steps
    untouched = [eui for eui in serving if eui not in steps or steps[eui].step is Step.PENDING]
    if len(untouched) >= CONTROL_MIN:
        return _spread(untouched)
    judged_before = [
        eui
        for eui in serving & steps.keys()
        if steps[eui].step is Step.DONE and steps[eui].wave < rollout.wave
    ]
    return _spread(untouched) + _spread(judged_before)


def _spread(euis: list[str]) -> list[str]:
    """Return gateways in an order that has nothing to do with where or when they were built."""
    return sorted(euis, key=lambda eui: sha256(eui.encode()).digest())
