"""What stands above every page: is the contract kept, and are we seeing it; pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fleet.availability.standing import MonthStanding, PromiseStanding, Standing
from fleet.durations import SECOND_US
from fleet.evidence.timekeeping import ClockQuality
from fleet.facts.states import CommuneState, GatewayState
from fleet.live.model import CommuneNow, NetworkNow
from fleet.web.views.clocks import level_of

FROZEN_AFTER_US: Final = 15 * SECOND_US
"""A page whose newest cycle is older says so loudly; cycles come every second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseShown:
    """One promise of the month with its budget, as the header and the sentence show it."""

    now: PromiseStanding
    name: str
    """The commune's; empty for the whole network."""

    @property
    def left_us(self) -> int:
        """What may still be lost; negative when the promise is broken."""
        return self.now.budget.left

    @property
    def spent_permille(self) -> int:
        """How much of the budget is gone, 0 to 1000; what was lost is never drawn as nothing."""
        whole, spent = self.now.budget.whole, self.now.budget.spent
        if whole <= 0:
            return 1000
        return min(1000, max(0, spent * 1000 // whole, 15 if spent else 0))

    @property
    def level(self) -> str:
        """``calm``, ``amber``, ``red`` or ``missed``; a promise in danger is never calm."""
        level = level_of(self.left_us, self.now.budget.whole)
        return "amber" if level == "calm" and self.now.standing is Standing.AT_RISK else level

    @property
    def href(self) -> str:
        """Where the reason stands."""
        return f"/communes/{self.now.insee}" if self.now.insee else "/rapports"


class Headline(StrEnum):
    """What is worst; header and sentence both follow it."""

    LOST = "LOST"
    BROKEN = "BROKEN"
    UNSEEN = "UNSEEN"
    """Blind, frozen, or dated by a clock that is wrong."""
    AT_RISK = "AT_RISK"
    NOTHING = "NOTHING"
    KEPT = "KEPT"


SHAPES: Final = {
    Headline.LOST: CommuneState.LOST.value,
    Headline.BROKEN: CommuneState.LOST.value,
    Headline.UNSEEN: CommuneState.UNKNOWN.value,
    Headline.AT_RISK: GatewayState.BUFFERING.value,
    Headline.NOTHING: CommuneState.NOT_COVERED.value,
    Headline.KEPT: CommuneState.SERVED.value,
}
"""The state whose shape and colour each headline wears; only KEPT is green."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The frame of one page."""

    at_us: int
    frozen: bool
    """The newest cycle is older than ``FROZEN_AFTER_US``, or there was none."""
    open_incidents: int
    suspects: int
    """Gateways whose connection closed a moment ago: not confirmed, nobody is called, but seen."""
    gateways: int
    serving: int
    communes: int
    served: int
    lost: tuple[CommuneNow, ...]
    broken: tuple[PromiseShown, ...]
    """Promises that nothing can mend this month, the network's first."""
    at_risk: tuple[PromiseShown, ...]
    """Promises that will break before a repair, or hold only if the rest of the month is better."""
    whole: PromiseShown | None
    """The promise for the whole network; None while nothing counts."""
    first: PromiseShown | None
    """The promise that the header names: the most urgent."""
    blind: bool
    blind_reason: str
    clock_wrong: bool
    """The clock that dates all this is contradicted."""
    frozen_limit_us: int = FROZEN_AFTER_US

    @property
    def headline(self) -> Headline:
        """The worst that is true."""
        if self.lost:
            return Headline.LOST
        if self.broken:
            return Headline.BROKEN
        if self.blind or self.clock_wrong or (self.frozen and self.communes):
            return Headline.UNSEEN
        if self.at_risk:
            return Headline.AT_RISK
        return Headline.KEPT if self.communes else Headline.NOTHING

    @property
    def state(self) -> str:
        """The headline as a state with shape and colour."""
        return SHAPES[self.headline]


def frame_of(*, network: NetworkNow, standing: MonthStanding, open_incidents: int, now_us: int) -> Frame:
    """Return the frame of the network at ``now_us``."""
    gateways = [one for one in network.gateways.values() if one.state is not GatewayState.OUT]
    communes = [one for one in network.communes.values() if one.state is not CommuneState.NOT_COVERED]
    return Frame(
        at_us=network.at_us,
        frozen=now_us - network.at_us > FROZEN_AFTER_US,
        open_incidents=open_incidents,
        suspects=sum(one.suspect for one in gateways),
        gateways=len(gateways),
        serving=sum(one.state is GatewayState.SERVING for one in gateways),
        communes=len(communes),
        served=sum(one.state is CommuneState.SERVED for one in communes),
        lost=tuple(sorted((c for c in communes if c.state is CommuneState.LOST), key=lambda c: c.since_us)),
        broken=_shown(standing, Standing.BROKEN, network),
        at_risk=_shown(standing, Standing.AT_RISK, network),
        whole=None if standing.whole.standing is Standing.UNCOUNTED else _named(standing.whole, network),
        first=None if standing.standing is Standing.UNCOUNTED else _named(standing.first, network),
        blind=network.blind,
        blind_reason=network.blind_reason,
        clock_wrong=network.clock is ClockQuality.CONTRADICTED,
    )


def _shown(month: MonthStanding, standing: Standing, network: NetworkNow) -> tuple[PromiseShown, ...]:
    whole = (month.whole,) if month.whole.standing is standing else ()
    return tuple(_named(one, network) for one in (*whole, *month.those(standing)))


def _named(promise: PromiseStanding, network: NetworkNow) -> PromiseShown:
    commune = network.communes.get(promise.insee)
    return PromiseShown(now=promise, name=commune.name if commune else promise.insee)
