"""Which sensors nobody hears while gateways are lost: part of the consequence, in words and in the grade.

A commune may be served by a gateway that some of its sensors are too far from; who hears whom was frozen at
the month's start (``fleet.objects.coverers``).  ``unheard`` is pure.

Sources: DESIGN §7; AVAILABILITY §3 (the figure by sensors).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from fleet.availability.sensors import Coverage
from fleet.facts.states import GatewayState
from fleet.incidents.edges import LOST
from fleet.lang.paris import paris
from fleet.live.model import NetworkNow
from fleet.objects.coverers import load_coverages


@dataclass(frozen=True, slots=True, kw_only=True)
class Unheard:
    """Sensors of one commune that nobody hears, and whose loss that is."""

    sensors: int
    euis: frozenset[str]


def unheard(coverages: Iterable[Coverage], network: NetworkNow) -> dict[str, Unheard]:
    """Return by commune the sensors all of whose coverers are silent, one of them lost."""
    states = {eui: gateway.state for eui, gateway in network.gateways.items()}
    found: dict[str, Unheard] = {}
    for one in coverages:
        mine = [states.get(eui) for eui in one.euis]
        if GatewayState.SERVING in mine or not any(state in LOST for state in mine):
            continue
        before = found.get(one.insee, Unheard(sensors=0, euis=frozenset()))
        euis = before.euis.union(one.euis)
        found[one.insee] = Unheard(sensors=before.sensors + one.sensors, euis=euis)
    return found


def with_sensors(connection: Connection, network: NetworkNow, now_us: int) -> NetworkNow:
    """Return the network whose communes know their unheard sensors."""
    if not any(gateway.state in LOST for gateway in network.gateways.values()):
        return network
    found = unheard(load_coverages(connection, f"{paris(now_us):%Y-%m}"), network)
    marked = {
        insee: replace(network.communes[insee], unheard_sensors=one.sensors, unheard_by=one.euis)
        for insee, one in found.items()
        if insee in network.communes
    }
    return replace(network, communes=network.communes | marked) if marked else network
