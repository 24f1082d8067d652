"""What one cycle works with: the transaction, the network, and the one reading of the clock."""

from dataclasses import dataclass

from sqlalchemy import Connection

from fleet.live.model import NetworkNow


@dataclass(frozen=True, slots=True)
class Scene:
    """Handed down instead of three arguments."""

    connection: Connection
    network: NetworkNow
    now_us: int
