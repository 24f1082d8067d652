"""What one cycle works with: the transaction, the network, one reading of the clock, policy and contract."""

from dataclasses import dataclass

from sqlalchemy import Connection

from fleet.facts.settings import DEFAULTS, ContractSettings
from fleet.incidents.policy import DEFAULT_POLICY, EscalationPolicy
from fleet.live.model import NetworkNow


@dataclass(frozen=True, slots=True)
class CycleContext:
    """Handed down instead of four arguments."""

    connection: Connection
    network: NetworkNow
    now_us: int
    policy: EscalationPolicy = DEFAULT_POLICY
    settings: ContractSettings = DEFAULTS
