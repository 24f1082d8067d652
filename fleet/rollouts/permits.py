"""Permits: which of the changes that wait on gateways may begin now.

A change of radio or connectors, although desired and retained, waits on the gateway until the fleet permits
it.  The permit is signed, not retained, and short-lived; the safety oracle answers at this very instant,
beside everything else that takes gateways out.  ``decide_permits`` is pure.
Source: DESIGN §8.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from agent.wire.envelope import EnvelopeKind
from fleet.configurations.issue import issue_instruction
from fleet.configurations.rules import WaitingChange
from fleet.durations import MINUTE_US
from fleet.facts.months import Window
from fleet.safety.absences import PERMIT_LIFE_US, permit_absences
from fleet.safety.model import Absence, Question, Refusal, SafetyLimits
from fleet.safety.oracle import ok_to_stop
from fleet.safety.view import SafetyView

ASKED_LIMITS = SafetyLimits(budget_left_min_ppm=0, alone_sensors_max_ppm=1_000_000)
"""Whoever sent the change asked by limits of their own; a permit looks only for who else is out by now."""
ASK_AGAIN_US = MINUTE_US
"""A gateway that still waits is looked at again after this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permits:
    """Which of the waiting changes may begin now, and why the others may not."""

    granted: tuple[WaitingChange, ...]
    refused: Mapping[str, tuple[Refusal, ...]]
    """EUI → reasons; a gateway that was permitted less than ``ASK_AGAIN_US`` ago is in neither."""


def decide_permits(
    waiting: Sequence[WaitingChange],
    permitted_at_us: Mapping[str, int],
    view: SafetyView,
    absences: Sequence[Absence],
    now_us: int,
) -> Permits:
    """Return what may begin now; who was permitted longest ago comes first.

    ``permitted_at_us``: the last permit of each gateway of the network, microseconds UTC.  ``absences``: who
    is out beside them, those permits included.
    """
    window = Window(now_us, now_us + PERMIT_LIFE_US)
    granted: list[WaitingChange] = []
    refused: dict[str, tuple[Refusal, ...]] = {}
    for change in sorted(waiting, key=lambda change: (permitted_at_us.get(change.eui, 0), change.eui)):
        if now_us - permitted_at_us.get(change.eui, 0) < ASK_AGAIN_US:
            continue
        beside = [*absences, *permit_absences({other.eui: now_us for other in granted}, ())]
        answer = ok_to_stop(view, Question(euis=(change.eui,), window=window), beside, ASKED_LIMITS)
        if change.despite or answer.is_yes:
            granted.append(change)
        else:
            refused[change.eui] = answer.refusals
    return Permits(granted=tuple(granted), refused=refused)


def issue_permits(connection: Connection, key: Ed25519PrivateKey, permits: Permits, now_us: int) -> None:
    """Sign what was granted."""
    for change in permits.granted:
        issue_instruction(
            connection,
            key,
            eui=change.eui,
            kind=EnvelopeKind.PERMIT,
            payload=change.sha256.encode(),
            now_us=now_us,
            life_us=PERMIT_LIFE_US,
        )
