"""When a configuration may be applied, and when the fleet confirms it (DESIGN §8, §4); pure.

Permit.  Never two gateways at once that are each other's redundancy: a gateway that serves is permitted only
while each commune that it serves keeps another serving member, and no member of it was permitted within
``PERMIT_LIFE_US``.  A gateway that serves nobody at this instant is always permitted.

Confirmation.  A heartbeat proves it that was received after the version was signed, runs that very version,
receives by radio, and has a contractual connector that its server answered.  While the gateway still says
TRIAL the word is said again, because the last one may have been lost.
"""

from collections.abc import Collection
from dataclasses import dataclass

from agent.wire.messages import ConfigReported, ConfigState, Heartbeat, Radio
from fleet.durations import MINUTE_US, SECOND_US
from fleet.facts.states import GatewayState
from fleet.live.model import NetworkNow

PERMIT_LIFE_US = 5 * MINUTE_US
"""DESIGN §8: the permit is signed, not retained, and lives for 5 min."""
ASK_AGAIN_US = MINUTE_US
"""A gateway that still waits is looked at again after this."""


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


SAY_AGAIN_US = 15 * SECOND_US
"""Well within the shortest trial that matters; a gateway ignores what it knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One desired version, and what is known of it."""

    version: int
    sha256: str
    issued_at_us: int
    said_at_us: int | None
    """When it was confirmed last."""


def should_confirm(
    trial: Trial,
    heartbeat: Heartbeat | None,
    heartbeat_at_us: int | None,
    reported: ConfigReported | None,
    now_us: int,
) -> str:
    """Return why the version is to be confirmed now, or an empty text."""
    if heartbeat is None or heartbeat_at_us is None or heartbeat_at_us <= trial.issued_at_us:
        return ""
    if heartbeat.config_version != trial.version or heartbeat.radio is not Radio.RECEIVING:
        return ""
    if not heartbeat.connectors or not heartbeat.connectors[0].up:
        return ""
    if trial.said_at_us is None:
        return "first heartbeat that proves reception and delivery"
    on_trial = (
        reported is not None and reported.state is ConfigState.TRIAL and reported.version == trial.version
    )
    if on_trial and now_us - trial.said_at_us >= SAY_AGAIN_US:
        return "the gateway is still on trial"
    return ""
