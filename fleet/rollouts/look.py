"""What was weighed of rollouts and permits is carried out in the engine's transaction, if it still stands.

    Weighed ──▶ the same rollout, absences, neighbours and versions? ──▶ issue, save, audit
                                     └ no: nothing; the next cycle weighs anew

Rollouts whose look begins nothing depend on no neighbour: a halt never waits for a network that changes.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from agent.wire.command import Action, Command
from fleet.approvals.model import Fault
from fleet.configurations.commands import send
from fleet.configurations.genuine import Forged, check_genuine
from fleet.configurations.issue import issue_version
from fleet.configurations.working import is_revoked
from fleet.facts.settings import ContractSettings
from fleet.identity import audit
from fleet.live.model import NetworkNow
from fleet.rollouts import authorised, judging, store
from fleet.rollouts.absences import load_absences
from fleet.rollouts.model import Act, ActKind, Failure, GatewayStep, Rollout, RolloutState, Step
from fleet.rollouts.permits import issue_permits
from fleet.rollouts.store import StoredRollout
from fleet.rollouts.weighing import Basis, Weighed, WeighedRollout, newest_numbers

OVER = frozenset({RolloutState.DONE, RolloutState.ROLLED_BACK})
RESTART = Command(action=Action.RESTART)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """What is carried out with."""

    connection: Connection
    key: Ed25519PrivateKey
    network: NetworkNow
    contract: ContractSettings
    now_us: int


def carry_out(looking: Looking, weighed: Weighed) -> None:
    """Do what was weighed, as far as what it stands on is as it was.

    What is checked is the state before any of it: weighing let each decision know of those before it.
    """
    standing = [one for one in weighed.rollouts if _stands(looking, one)]
    permits = weighed.permits
    may_permit = permits is not None and permits.granted and _holds(looking, weighed.permits_basis)
    for one in standing:
        _advance(looking, one)
    if permits is not None and may_permit:
        issue_permits(looking.connection, looking.key, permits, looking.now_us)


def _stands(looking: Looking, one: WeighedRollout) -> bool:
    connection = looking.connection
    if not store.is_unchanged(connection, one.before):
        return False
    if not one.acts:
        return True
    same = one.newest == newest_numbers(connection, one.newest)
    return same and _holds(looking, one.basis)


def _holds(looking: Looking, basis: Basis | None) -> bool:
    if basis is None:
        return False
    absences = load_absences(looking.connection, looking.contract, looking.now_us)
    return basis.holds(absences, looking.network)


def _advance(looking: Looking, one: WeighedRollout) -> None:
    connection, stored, after = looking.connection, one.before, one.after
    why = _fault(looking, stored) if any(act.kind is ActKind.ISSUE for act in one.acts) else None
    if why is not None:
        _stop(looking, stored, why)
        return
    if one.joined:
        new = [GatewayStep(eui=eui, wave=len(after.waves) - 1) for eui in one.joined]
        seals = partial(authorised.way_back_seals, looking.key)
        store.add_gateways(connection, stored.id, new, one.joined, seals=seals)
    if one.ruling is not None and one.ruling != judging.ruling_of(stored):
        judging.keep(connection, stored, one.ruling)
    if one.controls:
        _restart(looking, stored, one.controls)
    for act in one.acts:
        after = _carried_out(looking, one, after, act)
    if after.state is not stored.rollout.state:
        _note(looking, stored, after)
    store.save(connection, stored, after, looking.now_us)
    if after.state in OVER:
        authorised.end(connection, stored.id, after.state)


def _restart(looking: Looking, stored: StoredRollout, controls: Collection[str]) -> None:
    """Tell gateways that do not change to restart as the canaries do."""
    connection, key, now_us = looking.connection, looking.key, looking.now_us
    for eui in controls:
        send(connection, key, eui=eui, command=RESTART, who=stored.created_by, now_us=now_us)
    told = replace(stored.controls, restarted=dict.fromkeys(controls, now_us))
    store.save_controls(connection, stored.id, told)


def _carried_out(looking: Looking, one: WeighedRollout, after: Rollout, act: Act) -> Rollout:
    """Sign what an act asks for; a change that makes an invalid whole fails that gateway by name."""
    step, wanted, stored = after.steps[act.eui], one.wanted[act.eui], one.before
    if wanted.configuration is None and not wanted.refused:
        return _with_step(after, replace(step, step=Step.SKIPPED))
    if is_revoked(looking.connection, act.eui, stored.base_versions.get(act.eui, 0)):
        return _with_step(after, replace(step, step=Step.SKIPPED, failure=Failure.REVOKED))
    if not _is_ours(looking, one, act.eui):
        _note_forged(looking, act.eui, stored)
        ends = Step.FAILED if act.kind is ActKind.ISSUE else Step.SKIPPED
        return _with_step(after, replace(step, step=ends, failure=Failure.FORGED))
    if wanted.configuration is None:
        failed = replace(step, step=Step.FAILED, failure=Failure.REFUSED, reason=wanted.refused)
        return _with_step(after, failed)
    envelope = issue_version(
        looking.connection,
        looking.key,
        eui=act.eui,
        configuration=wanted.configuration,
        who=stored.created_by,
        now_us=looking.now_us,
        reason=f"{stored.name} · {stored.reason}",
        retry=act.kind is ActKind.REVERT,
    )
    return _with_step(after, replace(step, version=envelope.version))


def _fault(looking: Looking, stored: StoredRollout) -> Fault | None:
    return authorised.fault_of(looking.connection, looking.key, stored, looking.now_us)


def _stop(looking: Looking, stored: StoredRollout, why: Fault) -> None:
    """Halt a rollout that nobody approved as it stands now; nothing of it is signed."""
    rollout = stored.rollout
    after = replace(rollout, state=RolloutState.HALTED, since_us=looking.now_us, halted_why=why)
    _note(looking, stored, after)
    store.save(looking.connection, stored, after, looking.now_us)


def _is_ours(looking: Looking, one: WeighedRollout, eui: str) -> bool:
    """Return whether the gateway was put into the rollout by us, and runs what we signed."""
    stored = one.before
    base = one.joined.get(eui) or stored.base_versions.get(eui, 0)
    if eui not in one.joined and authorised.strangers(looking.key, stored, [eui]):
        return False
    try:
        check_genuine(looking.connection, looking.key.public_key(), eui, base)
    except Forged:
        return False
    return True


def _note_forged(looking: Looking, eui: str, stored: StoredRollout) -> None:
    after = {"rollout": stored.id}
    audit.record(
        looking.connection,
        now_us=looking.now_us,
        who=audit.SYSTEM,
        action="configuration.forged",
        subject=eui,
        after=after,
    )


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
