"""When a configuration may be applied, and when the fleet confirms it (DESIGN §8, §4); pure.

Permit.  Never two gateways at once that are each other's redundancy: a gateway that serves is permitted only
while each commune that it serves keeps another serving member, and no member of it was permitted within
``PERMIT_LIFE_US``.  A gateway that serves nobody at this instant is always permitted.

Confirmation.  A heartbeat proves it that was received after the version was signed, runs that very version,
receives by radio, and has a contractual connector that its server answered.  While the gateway still says
TRIAL the confirmation is sent again, because the last one may have been lost.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from agent.wire.messages import ConfigState, Heartbeat, Radio
from fleet.durations import MINUTE_US, SECOND_US
from fleet.facts.states import GatewayState
from fleet.live.model import NetworkNow

PERMIT_LIFE_US = 5 * MINUTE_US
"""DESIGN §8: the permit is signed, not retained, and lives for 5 min."""
ASK_AGAIN_US = MINUTE_US
"""A gateway that still waits is looked at again after this."""
CONFIRM_AGAIN_US = 15 * SECOND_US
"""Well within the shortest trial that matters; a gateway ignores what it knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingChange:
    """A version that a gateway has and may not begin without a permit."""

    eui: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Permits:
    """Which of the waiting changes may begin now, and why the others may not."""

    granted: tuple[WaitingChange, ...]
    refused: Mapping[str, str]
    """EUI → reason; a gateway that was permitted less than ``ASK_AGAIN_US`` ago is in neither."""


def decide_permits(
    waiting: Sequence[WaitingChange], permitted_at_us: Mapping[str, int], network: NetworkNow, now_us: int
) -> Permits:
    """Return what may begin now; who was permitted longest ago comes first.

    ``permitted_at_us``: the last permit of each gateway of the network, microseconds UTC.
    """
    under_way = {eui for eui, at_us in permitted_at_us.items() if now_us - at_us < PERMIT_LIFE_US}
    granted: list[WaitingChange] = []
    refused: dict[str, str] = {}
    for change in sorted(waiting, key=lambda change: (permitted_at_us.get(change.eui, 0), change.eui)):
        if now_us - permitted_at_us.get(change.eui, 0) < ASK_AGAIN_US:
            continue
        if reason := why_not(network, change.eui, under_way):
            refused[change.eui] = reason
        else:
            under_way.add(change.eui)
            granted.append(change)
    return Permits(granted=tuple(granted), refused=refused)


def why_not(network: NetworkNow, eui: str, under_way: Collection[str]) -> str:
    """Return why ``eui`` may not change now, or an empty text; ``under_way`` were permitted lately."""
    gateway = network.gateways.get(eui)
    if gateway is None:
        return "not in the registry"
    if network.blind:
        return "we are blind"
    if gateway.state is not GatewayState.SERVING:
        return ""
    for commune in network.communes.values():
        if eui in commune.serving:
            others = [other for other in commune.serving if other != eui]
            if not others:
                return f"{commune.name} has no other serving gateway"
            if any(other in under_way for other in commune.members if other != eui):
                return f"another gateway of {commune.name} is changing"
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One desired version that is not settled, and what is known of it."""

    eui: str
    version: int
    sha256: str
    issued_at_us: int
    confirmed_at_us: int | None
    """When the fleet confirmed it last, microseconds UTC; None: never."""
    reported_state: ConfigState | None = None
    """What the gateway reported last; None: nothing yet."""
    reported_version: int | None = None
    """The version that this report is about."""

    @property
    def still_on_trial(self) -> bool:
        """The gateway says TRIAL of this very version."""
        return self.reported_state is ConfigState.TRIAL and self.reported_version == self.version


def should_confirm(
    trial: Trial, heartbeat: Heartbeat | None, heartbeat_at_us: int | None, now_us: int
) -> str:
    """Return why the version is to be confirmed now, or an empty text."""
    if heartbeat is None or heartbeat_at_us is None or heartbeat_at_us <= trial.issued_at_us:
        return ""
    if heartbeat.config_version != trial.version or heartbeat.radio is not Radio.RECEIVING:
        return ""
    if not heartbeat.connectors or not heartbeat.connectors[0].up:
        return ""
    if trial.confirmed_at_us is None:
        return "first heartbeat that proves reception and delivery"
    if trial.still_on_trial and now_us - trial.confirmed_at_us >= CONFIRM_AGAIN_US:
        return "the gateway is still on trial"
    return ""
