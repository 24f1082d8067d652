"""A changed configuration for one gateway: not while a rollout works on it, not where somebody would suffer.

More than one gateway is a rollout (``start``).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from agent.wire.configuration import is_service_affecting
from fleet.configurations.change import change
from fleet.configurations.issue import issue_version
from fleet.configurations.working import version_of, working_version
from fleet.facts.months import Window
from fleet.facts.settings import ContractSettings
from fleet.identity import audit
from fleet.live.model import NetworkNow
from fleet.rollouts import store
from fleet.rollouts.asking import ask
from fleet.rollouts.start import RolloutRefused
from fleet.safety.absences import OUT_US
from fleet.safety.model import REPAIR_LIMITS, Refusal


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


def push(
    connection: Connection,
    key: Ed25519PrivateKey,
    wanted: Change,
    *,
    network: NetworkNow,
    contract: ContractSettings,
    who: str,
    now_us: int,
) -> int:
    """Sign the next version of one gateway and return its number.

    Raises:
        RolloutRefused: the gateway has no configuration, or a rollout works on it.
        ConfigurationError: a value that no configuration may have.
        Unsafe: somebody would lose service, and ``despite`` says nothing.
    """
    base = working_version(connection, wanted.eui)
    if base is None:
        raise RolloutRefused("rollout.refused.unconfigured", eui=wanted.eui)
    if (rollout := store.busy_gateways(connection).get(wanted.eui)) is not None:
        raise RolloutRefused("rollout.refused.busy", eui=wanted.eui, rollout=rollout)
    source = base
    if wanted.back_to is not None:
        earlier = version_of(connection, wanted.eui, wanted.back_to)
        if earlier is None:
            raise RolloutRefused("rollout.refused.no_version", eui=wanted.eui, version=wanted.back_to)
        source = earlier
    configuration = change(source.configuration, wanted.changes)
    if is_service_affecting(base.configuration, configuration):
        window = Window(now_us, now_us + OUT_US)
        asked = ask(connection, network, contract, euis=[wanted.eui], window=window, limits=REPAIR_LIMITS)
        if not asked.answer.is_yes and not wanted.despite.strip():
            raise Unsafe(asked.answer.refusals)
        if not asked.answer.is_yes:
            after = {"reason": wanted.despite, "despite": [str(one.kind) for one in asked.answer.refusals]}
            audit.record(
                connection,
                now_us=now_us,
                who=who,
                action="configuration.despite",
                subject=wanted.eui,
                after=after,
            )
    envelope = issue_version(
        connection,
        key,
        eui=wanted.eui,
        configuration=configuration,
        who=who,
        now_us=now_us,
        reason=wanted.reason or wanted.despite,
        retry=wanted.retry,
    )
    return envelope.version
