"""Each open rollout is looked at every few seconds: what was seen, what is next, and it is carried out.

rows + NetworkNow ──▶ observe ──▶ choice (oracle), judging ──▶ machine.advance ──▶ issue, save, audit
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from agent.wire.configuration import Configuration, ConfigurationError
from agent.wire.reasons import written
from fleet.configurations import working
from fleet.configurations.change import change
from fleet.configurations.issue import issue_version
from fleet.durations import SECOND_US
from fleet.facts.settings import ContractSettings
from fleet.identity import audit
from fleet.live.model import NetworkNow
from fleet.rollouts import store
from fleet.rollouts.absences import load_absences, load_view
from fleet.rollouts.choice import choose, kept
from fleet.rollouts.judging import judged
from fleet.rollouts.machine import advance
from fleet.rollouts.model import Act, ActKind, Failure, GatewayStep, Rollout, RolloutState, Situation, Step
from fleet.rollouts.observe import observe, what_holds_all
from fleet.rollouts.store import StoredRollout

LOOK_EVERY_US = 5 * SECOND_US


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """What every open rollout is looked at with."""

    connection: Connection
    key: Ed25519PrivateKey
    network: NetworkNow
    contract: ContractSettings
    now_us: int


def advance_rollouts(looking: Looking) -> int:
    """Look at each open rollout that is due and return how many were."""
    numbers = store.due(looking.connection, looking.now_us - LOOK_EVERY_US)
    for number in numbers:
        stored = store.get(looking.connection, number, lock=True)
        if stored is not None:
            _look(looking, stored)
    return len(numbers)


def _look(looking: Looking, stored: StoredRollout) -> None:
    connection, network, now_us = looking.connection, looking.network, looking.now_us
    stored = _with_new_gateways(connection, stored, network)
    rollout = stored.rollout
    observed = observe(connection, stored, network)
    view = load_view(connection, network, looking.contract)
    absences = load_absences(connection, looking.contract, now_us)
    choice = choose(rollout, observed, view, absences, now_us)
    situation = Situation(
        now_us=now_us,
        observed=observed,
        may_begin=choice.may_begin,
        refused_why={eui: kept(one) for eui, one in choice.refused.items()},
        hold=what_holds_all(rollout, network, looking.contract, now_us),
        judgement=judged(connection, stored, network, now_us),
    )
    after, acts = advance(rollout, situation)
    for act in acts:
        after = _carried_out(looking, stored, after, act)
    if after.state is not rollout.state:
        _note(looking, stored, after)
    store.save(connection, stored, after, now_us)


def _with_new_gateways(connection: Connection, stored: StoredRollout, network: NetworkNow) -> StoredRollout:
    """Let gateways that got their first configuration meanwhile join the last wave."""
    rollout = stored.rollout
    if (
        not rollout.settings.new_ones_join
        or rollout.wave_is_last_soak
        or rollout.state is not RolloutState.RUNNING
    ):
        return stored
    new = working.first_configured_since(connection, stored.created_at_us) & network.gateways.keys()
    found = (working.working_version(connection, eui) for eui in sorted(new - rollout.steps.keys()))
    bases = {one.eui: one.version for one in found if one is not None}
    if not bases:
        return stored
    last = len(rollout.waves) - 1
    steps = {eui: GatewayStep(eui=eui, wave=last) for eui in bases}
    store.add_gateways(connection, stored.id, steps.values(), bases)
    return replace(
        stored,
        base_versions={**stored.base_versions, **bases},
        rollout=replace(rollout, steps={**rollout.steps, **steps}),
    )


def _carried_out(looking: Looking, stored: StoredRollout, after: Rollout, act: Act) -> Rollout:
    """Sign what an act asks for; a change that makes an invalid whole fails that gateway by name."""
    one = after.steps[act.eui]
    base = working.version_of(looking.connection, act.eui, stored.base_versions[act.eui])
    if base is None:
        return _with_step(after, replace(one, step=Step.SKIPPED))
    try:
        configuration = _configuration(act.kind, base.configuration, stored.changes)
    except ConfigurationError as error:
        failed = replace(one, step=Step.FAILED, failure=Failure.REFUSED, reason=written(error.why))
        return _with_step(after, failed)
    envelope = issue_version(
        looking.connection,
        looking.key,
        eui=act.eui,
        configuration=configuration,
        who=stored.created_by,
        now_us=looking.now_us,
        reason=f"{stored.name} · {stored.reason}",
        retry=act.kind is ActKind.REVERT,
    )
    return _with_step(after, replace(one, version=envelope.version))


def _configuration(kind: ActKind, base: Configuration, changes: Mapping[str, str]) -> Configuration:
    return change(base, changes) if kind is ActKind.ISSUE else base


def _with_step(rollout: Rollout, one: GatewayStep) -> Rollout:
    return replace(rollout, steps={**rollout.steps, one.eui: one})


def _note(looking: Looking, before: StoredRollout, after: Rollout) -> None:
    audit.record(
        looking.connection,
        now_us=looking.now_us,
        who=audit.SYSTEM,
        action=f"rollout.{after.state}",
        subject=f"rollout {before.id}",
        after={"wave": after.waves[after.wave].name, "why": after.halted_why},
    )
