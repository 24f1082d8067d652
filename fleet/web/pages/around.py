"""What stands around a gateway on its page: who can stand in, its tickets, visits, photos and works."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, select

from fleet.facts.states import GatewayState
from fleet.incidents.tables import incident_gateways
from fleet.live.model import GatewayNow
from fleet.registry.store import Gateway
from fleet.tickets.tables import ticket_attachments, tickets
from fleet.web.visit import Visit
from fleet.works.announce import present_and_ahead

TICKETS_LIMIT: Final = 10
PHOTOS_LIMIT: Final = 8
NEIGHBOURS_LIMIT: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A gateway that serves a commune with this one."""

    now: GatewayNow
    communes: tuple[str, ...]
    """Names of the communes that both serve."""


def of_gateway(visit: Visit, connection: Connection, found: Gateway) -> dict[str, Any]:
    """Return what the page shows beside the gateway itself."""
    history = _tickets(connection, found)
    photos = ticket_attachments.c
    taken = (
        select(photos.id, photos.ticket_id, photos.name, photos.who)
        .where(photos.ticket_id.in_([row["id"] for row in history]))
        .order_by(photos.at_us.desc(), photos.id.desc())
    )
    return {
        "neighbours": neighbours_of(visit, found.eui),
        "ticket_history": history,
        "photos": connection.execute(taken.limit(PHOTOS_LIMIT)).all(),
        "works": [one for one in present_and_ahead(connection, visit.now_us) if found.eui in one.euis],
    }


def neighbours_of(visit: Visit, eui: str) -> list[Neighbour]:
    """Return who serves the same communes, those in service first; what the asker may not see is left out."""
    network = visit.network
    names: dict[str, list[str]] = {}
    for commune in network.communes.values():
        if eui in commune.members:
            for other in commune.members:
                names.setdefault(other, []).append(commune.name)
    names.pop(eui, None)
    found = [
        Neighbour(now=network.gateways[other], communes=tuple(sorted(communes)))
        for other, communes in names.items()
        if other in network.gateways
    ]
    found.sort(key=lambda one: (one.now.state is not GatewayState.SERVING, one.now.name))
    return found[:NEIGHBOURS_LIMIT]


def _tickets(connection: Connection, found: Gateway) -> list[Any]:
    """Return the newest tickets of the gateway's incidents and of its site."""
    mine = select(incident_gateways.c.incident_id).where(incident_gateways.c.eui == found.eui)
    about = tickets.c.incident_id.in_(mine) | (tickets.c.site_id == found.site_id)
    query = select(tickets).where(about).order_by(tickets.c.id.desc()).limit(TICKETS_LIMIT)
    return list(connection.execute(query).mappings())
