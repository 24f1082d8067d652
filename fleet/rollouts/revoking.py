"""A rollout or a version that must never be sent again: revoked, and taken back where it runs.

    a rollout  ─▶ every version that it issued is revoked; it goes back as any rollout
    a version  ─▶ revoked; a gateway that has it gets what it was built on again, by the oracle

A revoked version does not go out, is the base of nothing, and nobody goes back to it.  Revoking takes one
person: it stops a change, and brings none.
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from agent.wire.configuration import is_service_affecting
from fleet.configurations.store import newest_version
from fleet.configurations.working import revoke, version_of, working_version
from fleet.facts.months import Window
from fleet.facts.settings import ContractSettings
from fleet.identity import audit
from fleet.live.model import NetworkNow
from fleet.rollouts import machine, store
from fleet.rollouts.asking import ask
from fleet.rollouts.model import RolloutState
from fleet.rollouts.single import Change, Unsafe, WeighedChange, push
from fleet.rollouts.start import REASON_LIMIT_CHARACTERS, RolloutRefused
from fleet.safety.absences import OUT_US
from fleet.safety.model import REPAIR_LIMITS, Absence, Refusal


def revoke_rollout(connection: Connection, number: int, *, who: str, reason: str, now_us: int) -> int:
    """Revoke a rollout for good and let it go back; return how many versions are revoked.

    Raises:
        RolloutRefused: there is no such rollout, it is revoked already, or no reason is given.
    """
    _check_reason(reason)
    before = store.get(connection, number, lock=True)
    if before is None:
        raise RolloutRefused("rollout.refused.unknown", number=number)
    if before.revoked_at_us is not None:
        raise RolloutRefused("rollout.refused.revoked", number=number)
    issued = store.issued_versions(connection, number)
    revoke(connection, issued, now_us)
    store.mark_revoked(connection, number, now_us)
    if before.rollout.state not in (RolloutState.ROLLING_BACK, RolloutState.ROLLED_BACK):
        store.save(connection, before, machine.taken_back(before.rollout, now_us), before.looked_at_us)
    after = {"versions": len(issued), "reason": reason}
    subject = f"rollout {number}"
    audit.record(connection, now_us=now_us, who=who, action="rollout.revoke", subject=subject, after=after)
    return len(issued)


def weigh_revocation(
    connection: Connection,
    wanted: Change,
    version: int,
    *,
    network: NetworkNow,
    contract: ContractSettings,
    now_us: int,
) -> WeighedChange | None:
    """Return what takes a version back from its gateway; None: it is not what is desired of it.

    Raises:
        RolloutRefused: no reason, no such version, or nothing is left to go back to.
        Unsafe: somebody would lose service meanwhile, and ``wanted.despite`` says nothing.
    """
    _check_reason(wanted.reason)
    eui = wanted.eui
    if version_of(connection, eui, version) is None:
        raise RolloutRefused("rollout.refused.no_version", eui=eui, version=version)
    present = newest_version(connection, eui)
    if present is None or present.version != version:
        return None
    base = working_version(connection, eui, without=version)
    if base is None:
        raise RolloutRefused("rollout.refused.nothing_left", eui=eui)
    refusals: tuple[Refusal, ...] = ()
    absences: frozenset[Absence] | None = None
    if is_service_affecting(present.configuration, base.configuration):
        window = Window(now_us, now_us + OUT_US)
        asked = ask(connection, network, contract, euis=[eui], window=window, limits=REPAIR_LIMITS)
        refusals, absences = asked.answer.refusals, asked.absences
    if refusals and not wanted.despite.strip():
        raise Unsafe(refusals)
    return WeighedChange(
        wanted=wanted,
        configuration=base.configuration,
        base=base.version,
        refusals=refusals,
        absences=absences,
    )


def revoke_version(
    connection: Connection,
    key: Ed25519PrivateKey,
    wanted: Change,
    version: int,
    weighed: WeighedChange | None,
    *,
    contract: ContractSettings,
    who: str,
    now_us: int,
) -> int | None:
    """Revoke one version of a gateway; return the version that takes it back, None if it is desired no more.

    Raises:
        RolloutRefused: a rollout works on the gateway, or it changed meanwhile.
    """
    revoke(connection, [(wanted.eui, version)], now_us)
    after = {"version": version, "reason": wanted.reason}
    action, subject = "configuration.revoke", wanted.eui
    audit.record(connection, now_us=now_us, who=who, action=action, subject=subject, after=after)
    if weighed is None:
        return None
    return push(connection, key, weighed, contract=contract, who=who, now_us=now_us)


def _check_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > REASON_LIMIT_CHARACTERS:
        raise RolloutRefused("rollout.refused.reason", limit=REASON_LIMIT_CHARACTERS)
