"""When a change that touches the service may happen now (DESIGN §8); pure.

Never two gateways at once that are each other's redundancy: a gateway that serves is permitted only while
each commune that it serves keeps another serving member, and no member of it was permitted within
``PERMIT_LIFE_US``.  A gateway that serves nobody at this instant is always permitted.
"""

from collections.abc import Collection

from fleet.durations import MINUTE_US
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
