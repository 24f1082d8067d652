"""Random networks of gateways, communes and sensors on a plane, from a seed."""

import random
from collections import Counter
from dataclasses import dataclass

from fleet.availability.sensors import Coverage
from fleet.facts.settings import DEFAULTS
from fleet.facts.states import CommuneState, GatewayState
from fleet.live.model import CommuneNow, GatewayNow, NetworkNow
from fleet.safety.view import SafetyView, safety_view

NEAR = 6
"""Gateways that some sensors of a commune reach."""
SENSORS_OF_A_COMMUNE = 556
"""300,000 sensors in 539 communes (MISSION)."""
BUDGET_US = 20_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """What does not change while a rollout goes on."""

    euis: tuple[str, ...]
    members: dict[str, tuple[str, ...]]
    """INSEE code → gateways that serve it."""
    coverages: tuple[Coverage, ...]

    def network(self, serving: set[str], now_us: int) -> NetworkNow:
        """Return the network at an instant."""
        gateways = {
            eui: GatewayNow(
                eui=eui,
                name=eui,
                site_id=number,
                commune_insee="",
                state=GatewayState.SERVING if eui in serving else GatewayState.DOWN,
                since_us=0,
                proved=True,
            )
            for number, eui in enumerate(self.euis)
        }
        communes = {
            insee: CommuneNow(
                insee=insee,
                name=insee,
                epci="",
                population=1,
                state=CommuneState.SERVED,
                since_us=0,
                members=members,
                serving=tuple(eui for eui in members if eui in serving),
                budget_left_us=BUDGET_US,
            )
            for insee, members in self.members.items()
        }
        return NetworkNow(at_us=now_us, gateways=gateways, communes=communes)

    def view(self, serving: set[str], now_us: int) -> SafetyView:
        """Return the network as the oracle reads it."""
        return safety_view(self.network(serving, now_us), self.coverages, DEFAULTS)


def make_topology(seed: int, gateways: int, communes: int, *, known: float = 0.9) -> Topology:
    """Return a network; ``known``: share of communes of which the sensors are on record."""
    chance = random.Random(seed)  # noqa: S311 a seed that gives the same again
    euis = tuple(f"{number:016x}" for number in range(1, gateways + 1))
    columns = max(1, int(gateways**0.5))
    spots = {eui: (number % columns, number // columns) for number, eui in enumerate(euis)}
    by_spot = {spot: eui for eui, spot in spots.items()}
    members, coverages = {}, []
    for number in range(communes):
        insee = f"{number:05d}"
        x, y = chance.choice(list(spots.values()) if number < 1 else (spots[chance.choice(euis)],))
        near = _near(by_spot, x, y)
        members[insee] = tuple(near[: chance.choice((2, 2, 3, 3, 4))])
        if chance.random() < known:
            coverages += _sensors(chance, insee, near)
    return Topology(euis=euis, members=members, coverages=tuple(coverages))


def _near(by_spot: dict[tuple[int, int], str], x: int, y: int) -> list[str]:
    spots = sorted(
        ((x + dx, y + dy) for dx in range(-3, 4) for dy in range(-3, 4)),
        key=lambda spot: ((spot[0] - x) ** 2 + (spot[1] - y) ** 2, spot),
    )
    return [by_spot[spot] for spot in spots if spot in by_spot][:NEAR]


def _sensors(chance: random.Random, insee: str, near: list[str]) -> list[Coverage]:
    groups: Counter[tuple[str, ...]] = Counter()
    for _ in range(SENSORS_OF_A_COMMUNE):
        reach = 1 if chance.random() < 0.07 else min(len(near), 2 + int(chance.expovariate(0.9)))
        first = chance.randrange(min(3, len(near)))
        groups[tuple(sorted({near[first], *near[:reach]} if reach > 1 else {near[first]}))] += 1
    return [Coverage(insee=insee, euis=euis, sensors=count) for euis, count in sorted(groups.items())]
