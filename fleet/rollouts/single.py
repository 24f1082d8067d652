"""A changed configuration for one gateway: not while a rollout works on it, not where somebody would suffer.

    weigh (reads)   what it runs, what it would run, what the oracle says
    push (writes)   the same versions, rollouts and absences still stand ──▶ signed; else refused

More than one gateway is a rollout (``start``).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from agent.wire.configuration import Configuration, is_service_affecting
from fleet.configurations.change import change
from fleet.configurations.genuine import check_genuine
from fleet.configurations.issue import issue_version
from fleet.configurations.knowledge import has_release, knowing_release
from fleet.configurations.working import is_revoked, version_of, working_number, working_version
from fleet.facts.months import Window
from fleet.facts.settings import ContractSettings
from fleet.identity import audit
from fleet.live.model import NetworkNow
from fleet.rollouts import store
from fleet.rollouts.absences import load_absences
from fleet.rollouts.asking import ask
from fleet.rollouts.start import RolloutRefused
from fleet.safety.absences import OUT_US
from fleet.safety.model import REPAIR_LIMITS, Absence, Refusal


class Unsafe(ValueError):
    """Somebody would lose service; ``refusals`` say who and why."""

    def __init__(self, refusals: tuple[Refusal, ...]) -> None:
        super().__init__(f"{len(refusals)} reasons against it")
        self.refusals = refusals


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one gateway shall get."""

    eui: str
    changes: Mapping[str, str]
    reason: str = ""
    back_to: int | None = None
    """Take the settings of this earlier version instead of changing the present ones."""
    retry: bool = False
    """The gateway may try again what failed on it before."""
    despite: str = ""
    """Why it is sent although somebody would lose service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighedChange:
    """What would be sent, and what that stands on."""

    wanted: Change
    configuration: Configuration
    base: int
    """Version that the gateway runs."""
    refusals: tuple[Refusal, ...]
    """Who would lose service; empty as well where the change touches none."""
    absences: frozenset[Absence] | None
    """Who was out when the oracle was asked; None: it was not."""


def weigh(
    connection: Connection, wanted: Change, *, network: NetworkNow, contract: ContractSettings, now_us: int
) -> WeighedChange:
    """Return the next version of one gateway, and who would suffer.

    Raises:
        RolloutRefused: the gateway has no configuration or too old an agent, or a rollout works on it.
        ConfigurationError: a value that no configuration may have.
        Unsafe: somebody would lose service, and ``despite`` says nothing.
    """
    base = working_version(connection, wanted.eui)
    if base is None:
        raise RolloutRefused("rollout.refused.unconfigured", eui=wanted.eui)
    _check_free(connection, wanted.eui)
    source = base
    if wanted.back_to is not None:
        earlier = version_of(connection, wanted.eui, wanted.back_to)
        if earlier is None:
            raise RolloutRefused("rollout.refused.no_version", eui=wanted.eui, version=wanted.back_to)
        if is_revoked(connection, wanted.eui, wanted.back_to):
            raise RolloutRefused("rollout.refused.revoked_version", eui=wanted.eui, version=wanted.back_to)
        source = earlier
    configuration = change(source.configuration, wanted.changes)
    if has_release(configuration) and not knowing_release(connection, [wanted.eui]):
        raise RolloutRefused("rollout.refused.too_old", eui=wanted.eui, count=1)
    refusals: tuple[Refusal, ...] = ()
    absences: frozenset[Absence] | None = None
    if is_service_affecting(base.configuration, configuration):
        window = Window(now_us, now_us + OUT_US)
        asked = ask(connection, network, contract, euis=[wanted.eui], window=window, limits=REPAIR_LIMITS)
        refusals, absences = asked.answer.refusals, asked.absences
    if refusals and not wanted.despite.strip():
        raise Unsafe(refusals)
    return WeighedChange(
        wanted=wanted, configuration=configuration, base=base.version, refusals=refusals, absences=absences
    )


def push(
    connection: Connection,
    key: Ed25519PrivateKey,
    weighed: WeighedChange,
    *,
    contract: ContractSettings,
    who: str,
    now_us: int,
) -> int:
    """Send what was weighed as the next version of the gateway and return its number.

    Raises:
        RolloutRefused: a rollout began to work on it, it got another version, or other gateways went out.
        Forged: what it runs by its row is not what we signed.
    """
    wanted, eui = weighed.wanted, weighed.wanted.eui
    _check_free(connection, eui)
    for version in {weighed.base, weighed.base if wanted.back_to is None else wanted.back_to}:
        check_genuine(connection, key.public_key(), eui, version)
    same = working_number(connection, eui) == weighed.base
    if weighed.absences is not None:
        same = same and weighed.absences == frozenset(load_absences(connection, contract, now_us))
    if not same:
        raise RolloutRefused("rollout.refused.changed", eui=eui)
    if weighed.refusals:
        after = {"reason": wanted.despite, "despite": [str(one.kind) for one in weighed.refusals]}
        audit.record(
            connection, now_us=now_us, who=who, action="configuration.despite", subject=eui, after=after
        )
    envelope = issue_version(
        connection,
        key,
        eui=eui,
        configuration=weighed.configuration,
        who=who,
        now_us=now_us,
        reason=wanted.reason or wanted.despite,
        retry=wanted.retry,
        despite=wanted.despite.strip() if weighed.refusals else "",
    )
    return envelope.version


def _check_free(connection: Connection, eui: str) -> None:
    if (rollout := store.busy_gateways(connection).get(eui)) is not None:
        raise RolloutRefused("rollout.refused.busy", eui=eui, rollout=rollout)
