"""Circumstances of losses: gateways changed together a moment ago, sensors that nobody hears.

A version number belongs to one gateway and says nothing about another's.  What they share is the act: the
same person, the same reason, within minutes.  A commune may be served by a gateway that some of its sensors
are too far from; who hears whom was frozen at the month's start (``fleet.objects.coverers``).  ``waves`` and
``unheard`` are pure.

Sources: DESIGN §7 (rollout wave as a common cause), §4 (a configuration is tried when it arrives), §8 (or is
permitted);
AVAILABILITY §3 (the figure by sensors).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from fleet.availability.sensors import Coverage
from fleet.configurations.working import begun_since
from fleet.durations import MINUTE_US
from fleet.facts.states import LOST_STATES, GatewayState
from fleet.lang.format import clock
from fleet.lang.paris import paris
from fleet.live.model import NetworkNow
from fleet.objects.coverers import load_coverages

ONE_ACT_US = 5 * MINUTE_US
"""Between two versions of one wave: they are signed and sent one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One version that was issued."""

    eui: str
    issued_us: int
    """When it was issued, or permitted where that came later, microseconds UTC."""
    by: str
    reason: str


def waves(changes: Iterable[Change]) -> dict[str, str]:
    """Return the name of the wave of each gateway; a gateway changed twice belongs to the later one."""
    found: dict[str, str] = {}
    last: dict[tuple[str, str], tuple[int, str]] = {}
    for change in sorted(changes, key=lambda change: change.issued_us):
        act = (change.by, change.reason)
        before_us, name = last.get(act, (0, ""))
        if not name or change.issued_us - before_us > ONE_ACT_US:
            name = f"« {change.reason or change.by} », {clock('fr', change.issued_us)}"
        last[act] = (change.issued_us, name)
        found[change.eui] = name
    return found


def recent_waves(connection: Connection, now_us: int, suspected_us: int) -> Mapping[str, str]:
    """Return the wave of each gateway that was changed in the last ``suspected_us``."""
    return waves(
        Change(eui=row["eui"], issued_us=row["began_at_us"], by=row["issued_by"], reason=row["reason"])
        for row in begun_since(connection, now_us - suspected_us)
    )


def with_waves(network: NetworkNow, found: Mapping[str, str]) -> NetworkNow:
    """Return the network whose gateways know their wave."""
    if not found:
        return network
    marked = {
        eui: replace(network.gateways[eui], wave=name)
        for eui, name in found.items()
        if eui in network.gateways
    }
    return replace(network, gateways=network.gateways | marked)


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
        if GatewayState.SERVING in mine or not any(state in LOST_STATES for state in mine):
            continue
        before = found.get(one.insee, Unheard(sensors=0, euis=frozenset()))
        euis = before.euis.union(one.euis)
        found[one.insee] = Unheard(sensors=before.sensors + one.sensors, euis=euis)
    return found


def with_sensors(connection: Connection, network: NetworkNow, now_us: int) -> NetworkNow:
    """Return the network whose communes know their unheard sensors."""
    if not any(gateway.state in LOST_STATES for gateway in network.gateways.values()):
        return network
    found = unheard(load_coverages(connection, f"{paris(now_us):%Y-%m}"), network)
    marked = {
        insee: replace(network.communes[insee], unheard_sensors=one.sensors, unheard_by=one.euis)
        for insee, one in found.items()
        if insee in network.communes
    }
    return replace(network, communes=network.communes | marked) if marked else network
