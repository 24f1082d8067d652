"""What stands above every page: is the contract kept, and are we seeing it; pure."""

from dataclasses import dataclass
from typing import Final

from fleet.availability.states import CommuneState, GatewayState
from fleet.live.model import CommuneNow, NetworkNow

FROZEN_AFTER_US: Final = 15_000_000
"""A page whose newest cycle is older says so loudly; cycles come every second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The frame of one page."""

    at_us: int
    frozen: bool
    """The newest cycle is older than ``FROZEN_AFTER_US``, or there was none."""
    open_incidents: int
    gateways: int
    serving: int
    communes: int
    served: int
    lost: tuple[CommuneNow, ...]
    broken: tuple[CommuneNow, ...]
    """Communes whose budget of the month is used up."""
    blind: bool
    blind_reason: str
    frozen_limit_us: int = FROZEN_AFTER_US

    @property
    def state(self) -> str:
        """The worst thing that is true, as a commune's state."""
        if self.lost or self.broken:
            return CommuneState.LOST
        if self.blind or self.frozen:
            return CommuneState.UNKNOWN
        return CommuneState.SERVED if self.communes else CommuneState.NOT_COVERED


def frame_of(*, network: NetworkNow, open_incidents: int, now_us: int) -> Frame:
    """Return the frame of the network at ``now_us``."""
    gateways = [one for one in network.gateways.values() if one.state is not GatewayState.OUT]
    communes = [one for one in network.communes.values() if one.state is not CommuneState.NOT_COVERED]
    return Frame(
        at_us=network.at_us,
        frozen=now_us - network.at_us > FROZEN_AFTER_US,
        open_incidents=open_incidents,
        gateways=len(gateways),
        serving=sum(one.state is GatewayState.SERVING for one in gateways),
        communes=len(communes),
        served=sum(one.state is CommuneState.SERVED for one in communes),
        lost=tuple(sorted((c for c in communes if c.state is CommuneState.LOST), key=lambda c: c.since_us)),
        broken=tuple(c for c in communes if c.budget_left_us < 0),
        blind=network.blind,
        blind_reason=network.blind_reason,
    )
