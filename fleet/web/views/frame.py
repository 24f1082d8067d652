"""What stands above every page: is the contract kept, and are we seeing it; pure."""

from dataclasses import dataclass
from typing import Final

from fleet.durations import SECOND_US
from fleet.facts.states import CommuneState, GatewayState
from fleet.live.model import CommuneNow, NetworkNow
from fleet.web.history import Past
from fleet.web.views.clocks import level_of

FROZEN_AFTER_US: Final = 15 * SECOND_US
"""A page whose newest cycle is older says so loudly; cycles come every second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthFigure:
    """The global figure of the month so far and what may still be lost of it."""

    served_us: int
    total_us: int
    budget_us: int
    budget_left_us: int
    """Time of the whole network standing still; negative when the promise is broken."""

    @property
    def spent_permille(self) -> int:
        """How much of the budget is gone, 0 to 1000; what was lost is never drawn as nothing."""
        if self.budget_us <= 0:
            return 1000
        spent = (self.budget_us - self.budget_left_us) * 1000 // self.budget_us
        return min(1000, max(0, spent, 15 if self.budget_left_us < self.budget_us else 0))

    @property
    def level(self) -> str:
        """``calm``, ``amber``, ``red`` or ``missed``."""
        return level_of(self.budget_left_us, self.budget_us)


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
    month: MonthFigure | None
    frozen_limit_us: int = FROZEN_AFTER_US

    @property
    def state(self) -> str:
        """The worst thing that is true, as a commune's state."""
        if self.lost or self.broken:
            return CommuneState.LOST
        if self.blind or self.frozen:
            return CommuneState.UNKNOWN
        return CommuneState.SERVED if self.communes else CommuneState.NOT_COVERED


def month_of_past(past: Past) -> MonthFigure | None:
    """Return the global figure; None while nothing counts."""
    month = past.month
    if not month.share.counted:
        return None
    return MonthFigure(
        served_us=month.share.served,
        total_us=month.share.counted,
        budget_us=month.budget.whole,
        budget_left_us=month.budget.left,
    )


def frame_of(*, network: NetworkNow, past: Past, open_incidents: int, now_us: int) -> Frame:
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
        month=month_of_past(past),
    )
