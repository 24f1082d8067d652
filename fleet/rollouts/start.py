"""Rollouts as people ask for them: planned, started, paused, resumed, halted, taken back; all is audited."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from agent.wire.configuration import ConfigurationError
from agent.wire.reasons import Reason
from fleet.approvals.model import TwoPersons
from fleet.approvals.store import ApprovalRefused
from fleet.configurations.change import change, differences
from fleet.configurations.knowledge import knowing_release, needs_release
from fleet.configurations.store import Version
from fleet.configurations.working import working_numbers, working_versions
from fleet.facts.settings import ContractSettings
from fleet.identity import audit
from fleet.live.model import NetworkNow
from fleet.rollouts import authorised, judging, machine, store
from fleet.rollouts.absences import load_absences, load_view
from fleet.rollouts.model import DEFAULT_SETTINGS, Controls, Rollout, RolloutSettings, RolloutState, WaveState
from fleet.rollouts.plan import Plan, plan_rollout

REASON_LIMIT_CHARACTERS = 300
SERVICE_PATHS = ("radio.", "connectors.", "release.wanted")
"""Settings whose change restarts data path or agent (``agent.wire.configuration.is_service_affecting``)."""


class RolloutRefused(ValueError):
    """A rollout that cannot be; ``key`` words it, ``values`` fill it, ``why`` is a gateway's own reason."""

    def __init__(self, key: str, why: Reason | None = None, **values: object) -> None:
        super().__init__(f"{key} {values or ''}".strip())
        self.key, self.why, self.values = key, why, values


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What people ask for."""

    changes: Mapping[str, str]
    reason: str
    euis: Sequence[str] = ()
    """Empty: every gateway that has a configuration, and those that get one meanwhile."""
    lab: Iterable[str] = ()
    settings: RolloutSettings = DEFAULT_SETTINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A rollout that could start, and what people want to see before."""

    plan: Plan
    bases: Mapping[str, Version]
    """What each gateway of it runs and would go back to."""
    touched: Mapping[str, Mapping[str, tuple[str, str]]]
    """EUI → path → (before, after) of what would change."""
    held_back: tuple[str, ...] = ()
    """Gateways whose agent is too old to understand the change: they are left out."""
    restarts: bool = False
    """Gateways that get it miss frames for a moment."""
    own_changes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """EUI → path → value, where they are not the wish's: values of a layer."""


def propose(connection: Connection, network: NetworkNow, contract: ContractSettings, wish: Wish) -> Proposal:
    """Return the plan of a wish.

    Raises:
        RolloutRefused: nothing to change, no reason, an unknown gateway, or a value that no gateway may have.
    """
    if not wish.changes:
        raise RolloutRefused("rollout.refused.nothing")
    check_reason(wish.reason)
    known = working_versions(connection)
    euis = tuple(wish.euis) or tuple(sorted(known.keys() & network.gateways.keys()))
    if absent := [eui for eui in (*euis, *wish.lab) if eui not in known]:
        raise RolloutRefused("rollout.refused.unconfigured", eui=absent[0])
    touched = {eui: found for eui in euis if (found := _differences(known[eui], wish.changes))}
    if not touched:
        raise RolloutRefused("rollout.refused.nothing")
    return planned(connection, network, contract, wish, known=known, touched=touched)


def planned(
    connection: Connection,
    network: NetworkNow,
    contract: ContractSettings,
    wish: Wish,
    *,
    known: Mapping[str, Version],
    touched: Mapping[str, Mapping[str, tuple[str, str]]],
    own_changes: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> Proposal:
    """Return the plan over the gateways on which something changes.

    Raises:
        RolloutRefused: another rollout works on one of them, or none of them understands the change.
    """
    held_back = _too_old(connection, touched)
    touched = {eui: found for eui, found in touched.items() if eui not in held_back}
    if not touched:
        raise RolloutRefused("rollout.refused.too_old", eui=held_back[0], count=len(held_back))
    _check_busy(connection, touched)
    view = load_view(connection, network, contract)
    absences = load_absences(connection, contract, network.at_us)
    lab = [eui for eui in wish.lab if eui in touched]
    plan = plan_rollout(wish.reason, list(touched), view, wish.settings, lab=lab, absences=absences)
    bases = {eui: known[eui] for eui in touched}
    restarts = any(path.startswith(SERVICE_PATHS) for found in touched.values() for path in found)
    own = {eui: changes for eui, changes in own_changes.items() if eui in touched}
    return Proposal(
        plan=plan, bases=bases, touched=touched, held_back=held_back, restarts=restarts, own_changes=own
    )


def _too_old(connection: Connection, touched: Mapping[str, Mapping[str, object]]) -> tuple[str, ...]:
    """Return whom the change asks for what their agent does not know."""
    asked = [eui for eui, found in touched.items() if needs_release(found)]
    return tuple(sorted(set(asked) - knowing_release(connection, asked))) if asked else ()


def check_reason(reason: str) -> None:
    """Refuse a change without a reason.

    Raises:
        RolloutRefused: none, or beyond ``REASON_LIMIT_CHARACTERS``.
    """
    if not reason.strip() or len(reason) > REASON_LIMIT_CHARACTERS:
        raise RolloutRefused("rollout.refused.reason", limit=REASON_LIMIT_CHARACTERS)


def _check_busy(connection: Connection, euis: Iterable[str]) -> None:
    busy = store.busy_gateways(connection)
    if overlap := sorted(busy.keys() & set(euis)):
        raise RolloutRefused("rollout.refused.busy", eui=overlap[0], rollout=busy[overlap[0]])


def _differences(base: Version, changes: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    try:
        return differences(base.configuration, change(base.configuration, changes))
    except ConfigurationError as error:
        raise RolloutRefused("rollout.refused.value", why=error.why, eui=base.eui) from error


def start(
    connection: Connection,
    key: Ed25519PrivateKey,
    rules: TwoPersons,
    proposal: Proposal,
    wish: Wish,
    *,
    who: str,
    now_us: int,
) -> int:
    """Store the rollout and return its number; the engine begins with the next look.

    Where the rules want a second person, it waits (PAUSED) until somebody else approves it.

    Raises:
        RolloutRefused: meanwhile a gateway got another version, another rollout works on one, or too many
            requests wait for a second person already.
    """
    _check_busy(connection, proposal.bases)
    versions = {eui: one.version for eui, one in proposal.bases.items()}
    if working_numbers(connection, versions) != versions:
        raise RolloutRefused("rollout.refused.changed_many")
    second = needs_second(rules, proposal)
    rollout = Rollout(
        state=RolloutState.PAUSED if second else RolloutState.RUNNING,
        waves=tuple(one.wave for one in proposal.plan.waves),
        wave_since_us=now_us,
        since_us=now_us,
        steps=proposal.plan.steps,
        settings=wish.settings,
    )
    number = store.create(
        connection,
        rollout,
        reason=wish.reason.strip(),
        changes=wish.changes,
        base_versions=versions,
        seals=partial(authorised.way_back_seals, key),
        who=who,
        now_us=now_us,
        controls=Controls(needed=proposal.restarts),
        own_changes=proposal.own_changes,
    )
    content = authorised.content_of(wish.changes, rollout, proposal.own_changes)
    told: dict[str, Any] = {"needs_second": second, "who": who, "reason": wish.reason.strip()}
    try:
        authorised.ask_for(connection, key, rules, number, content, now_us=now_us, **told)
    except ApprovalRefused as error:
        raise RolloutRefused(error.key, None, **error.values) from error
    after = {"changes": dict(wish.changes), "gateways": len(proposal.bases), "reason": wish.reason.strip()}
    _record(connection, number, "start", who=who, now_us=now_us, after=after)
    return number


def needs_second(rules: TwoPersons, proposal: Proposal) -> bool:
    """Return whether a rollout waits for a second person."""
    return rules.concerns({path for found in proposal.touched.values() for path in found})


class Order(StrEnum):
    """What people tell a rollout that is there."""

    PAUSE = "pause"
    RESUME = "resume"
    HALT = "halt"
    ROLL_BACK = "rollback"
    ACCEPT = "accept"
    """Let the wave that is watched pass whatever was measured."""


def give(
    connection: Connection,
    number: int,
    order: Order,
    *,
    who: str,
    now_us: int,
    reason: str = "",
    from_wave: int = 0,
) -> None:
    """Carry out an order; ``from_wave``: the first wave that is rolled back.

    Raises:
        RolloutRefused: there is no such rollout, or its state does not allow it; accepting wants a reason.
    """
    before = store.get(connection, number, lock=True)
    if before is None:
        raise RolloutRefused("rollout.refused.unknown", number=number)
    if order in (Order.RESUME, Order.ACCEPT) and authorised.waits(connection, number):
        raise RolloutRefused("rollout.refused.waits")
    if before.revoked_at_us is not None and order is not Order.ROLL_BACK:
        raise RolloutRefused("rollout.refused.revoked", number=number)
    try:
        after = _ordered(before.rollout, order, reason, now_us, from_wave)
    except machine.NotNow as error:
        raise RolloutRefused("rollout.refused.state", state=error.state) from error
    if order is Order.ACCEPT and not reason:
        raise RolloutRefused("rollout.refused.reason", limit=REASON_LIMIT_CHARACTERS)
    store.save(connection, before, after, before.looked_at_us)
    if order is Order.ACCEPT or (order is Order.RESUME and before.rollout.halted_why == "worse"):
        judging.accept(connection, before, who, now_us)
    detail = {"reason": reason, "from_wave": from_wave}
    _record(connection, number, order, who=who, now_us=now_us, after=detail)


def _ordered(rollout: Rollout, order: Order, reason: str, now_us: int, from_wave: int) -> Rollout:
    match order:
        case Order.PAUSE:
            return machine.paused(rollout, now_us)
        case Order.RESUME:
            return machine.resumed(rollout, now_us)
        case Order.HALT:
            return machine.halted(rollout, reason, now_us)
        case Order.ROLL_BACK:
            return machine.taken_back(rollout, now_us, from_wave)
        case Order.ACCEPT:
            if rollout.state is not RolloutState.RUNNING or rollout.wave_state is not WaveState.SOAKING:
                raise RolloutRefused("rollout.refused.not_watched")
            return rollout


def _record(
    connection: Connection, number: int, action: str, *, who: str, now_us: int, after: dict[str, object]
) -> None:
    subject = f"rollout {number}"
    audit.record(connection, now_us=now_us, who=who, action=f"rollout.{action}", subject=subject, after=after)
