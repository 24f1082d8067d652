"""Small networks for the rules of incidents: gateways in communes at one instant."""

from collections.abc import Iterable
from dataclasses import replace

from fleet.durations import MINUTE_US
from fleet.facts.states import CommuneState, GatewayState
from fleet.incidents.model import Domain, Incident, IncidentState, Member, SharedCause
from fleet.live.model import CommuneNow, GatewayNow, NetworkNow
from fleet.tickets.model import Criticality

NOW = 10**15


def gateway(
    eui: str,
    state: GatewayState = GatewayState.SERVING,
    since_us: int = NOW - 60 * MINUTE_US,
    **values: object,
) -> GatewayNow:
    """Return one gateway, alone in a commune of its own unless ``values`` say otherwise."""
    made: dict[str, object] = {"commune_insee": f"c-{eui}", "name": eui, "site_id": 1, "proved": True}
    return GatewayNow(eui=eui, state=state, since_us=since_us, **(made | values))


def down(eui: str, minutes: float, **values: object) -> GatewayNow:
    """Return a gateway that has been down for so many minutes."""
    return gateway(eui, GatewayState.DOWN, NOW - round(minutes * MINUTE_US), **values)


def network(*gateways: GatewayNow, **communes: CommuneNow) -> NetworkNow:
    """Return a network whose communes are those of its gateways, each served by what serves in it."""
    made: dict[str, CommuneNow] = {}
    for one in gateways:
        known = made.get(one.commune_insee) or commune(one.commune_insee)
        serving = (one.eui,) if one.state is GatewayState.SERVING else ()
        made[one.commune_insee] = replace(
            known, members=(*known.members, one.eui), serving=(*known.serving, *serving)
        )
    made |= {one.insee: one for one in communes.values()}
    return NetworkNow(at_us=NOW, gateways={one.eui: one for one in gateways}, communes=made)


def commune(insee: str, **values: object) -> CommuneNow:
    """Return a commune that is served, by nobody in particular."""
    made: dict[str, object] = {"members": (), "serving": (), "population": 1, "state": CommuneState.SERVED}
    return CommuneNow(insee=insee, name=insee, epci=f"E-{insee}", since_us=0, **(made | values))


def member(eui: str, minutes: float = 60, back: float | None = None) -> Member:
    """Return a member lost so many minutes ago, and back ``back`` minutes ago."""
    restored_us = None if back is None else NOW - round(back * MINUTE_US)
    return Member(eui=eui, since_us=NOW - round(minutes * MINUTE_US), restored_us=restored_us)


def incident(
    members: Iterable[Member],
    *,
    number: int = 1,
    domain: Domain = Domain.GATEWAY,
    value: str = "",
    minutes: float = 60,
    **values: object,
) -> Incident:
    """Return an open incident, opened so many minutes ago, that has spoken of its members' communes."""
    made = {one.eui: one for one in members}
    defaults: dict[str, object] = {
        "state": IncidentState.OPEN,
        "criticality": Criticality.MINOR,
        "communes": tuple(f"c-{eui}" for eui in made),
    }
    return Incident(
        id=number,
        cause=SharedCause(domain=domain, value=value or next(iter(made), "")),
        began_us=NOW - round(minutes * MINUTE_US),
        opened_us=NOW - round(minutes * MINUTE_US),
        members=made,
        **(defaults | values),
    )
