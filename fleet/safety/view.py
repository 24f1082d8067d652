"""Who serves which commune and hears which sensors, indexed for questions about one gateway; pure.

Made once for a network and asked many times: an answer costs the communes and sensors of the gateways that it
is about, never the whole network.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fleet.availability.burn import budget
from fleet.availability.sensors import Coverage
from fleet.durations import DAY_US
from fleet.facts.months import Window, month_around
from fleet.facts.settings import ContractSettings, Serving
from fleet.facts.states import GatewayState
from fleet.live.model import CommuneNow, NetworkNow

REPAIRED_US = 2 * DAY_US
"""Who is down now is back by then (MISSION: resolution within one or two days)."""


@dataclass(frozen=True, slots=True, eq=False)
class SafetyView:
    """The network of one instant and the sensors of its month."""

    network: NetworkNow
    coverages: tuple[Coverage, ...]
    """Sensors by the exact set of gateways that hear them; a position in it names a group of sensors."""
    communes_of: Mapping[str, tuple[str, ...]]
    """EUI → INSEE codes that it serves."""
    groups_of: Mapping[str, tuple[int, ...]]
    """EUI → positions in ``coverages`` of the sensors that it hears together with others."""
    alone_of: Mapping[str, Mapping[str, int]]
    """EUI → INSEE code → sensors that no other gateway hears."""
    sensors_of: Mapping[str, int]
    """INSEE code → sensors that are known; a commune that is missing has no record."""
    budget_us: int
    """A commune's error budget of the whole month, microseconds."""
    all_must_serve: bool = False
    """The contract counts a commune as served only while all its members serve (AVAILABILITY §3)."""

    def serves(self, eui: str, window: Window) -> bool:
        """Return whether the gateway is presumed to serve in the window if nobody takes it out."""
        gateway = self.network.gateways.get(eui)
        if gateway is None or gateway.state is GatewayState.OUT:
            return False
        return gateway.state is GatewayState.SERVING or self._is_far(window)

    def is_relied_on(self, eui: str, window: Window) -> bool:
        """Return whether it may stand in for another; one whose socket was seen closing may not, now."""
        suspect = eui in self.network.gateways and self.network.gateways[eui].suspect
        return self.serves(eui, window) and (not suspect or self._is_far(window))

    def commune(self, insee: str) -> CommuneNow:
        """Return a commune of the network."""
        return self.network.communes[insee]

    def _is_far(self, window: Window) -> bool:
        return window.start_us - self.network.at_us >= REPAIRED_US


def safety_view(network: NetworkNow, coverages: Iterable[Coverage], settings: ContractSettings) -> SafetyView:
    """Return the network of ``network.at_us`` with the sensors that were frozen for its month."""
    kept = tuple(one for one in coverages if one.insee in network.communes)
    communes_of, groups_of = defaultdict(list), defaultdict(list)
    sensors_of: dict[str, int] = defaultdict(int)
    alone_of: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for insee, commune in network.communes.items():
        for eui in commune.members:
            communes_of[eui].append(insee)
    for position, one in enumerate(kept):
        sensors_of[one.insee] += one.sensors
        if len(one.euis) == 1:
            alone_of[one.euis[0]][one.insee] += one.sensors
            continue
        for eui in one.euis:
            groups_of[eui].append(position)
    return SafetyView(
        network=network,
        coverages=kept,
        communes_of={eui: tuple(found) for eui, found in communes_of.items()},
        groups_of={eui: tuple(found) for eui, found in groups_of.items()},
        alone_of={eui: dict(found) for eui, found in alone_of.items()},
        sensors_of=dict(sensors_of),
        budget_us=commune_budget_us(network.at_us, settings),
        all_must_serve=settings.serving is Serving.ALL,
    )


def commune_budget_us(at_us: int, settings: ContractSettings) -> int:
    """Return a commune's error budget of the month around an instant, microseconds (AVAILABILITY §7)."""
    return budget(month_around(at_us).length_us, 0, 0, settings.objective_commune_ppm).whole
