"""Which sites a ticket is about: one reading for messages, pages, whom to call and who proves to be there.

The site that the ticket names comes first, then those where a gateway of its incident hangs: a lost one
before one that serves again.  Work is left where a gateway is lost; when all are back, every site counts.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from fleet.incidents.tables import incident_gateways
from fleet.registry.tables import gateways
from fleet.tickets.model import Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketSites:
    """The sites of one ticket, by their numbers in the registry."""

    named: tuple[int, ...]
    """The site that the ticket itself names: none or one."""
    lost: tuple[int, ...]
    """Where a gateway of its incident is lost."""
    restored: tuple[int, ...]
    """Where every gateway of its incident serves again."""

    @property
    def all(self) -> tuple[int, ...]:
        """Every site, without repetition: somebody who is there is on site."""
        return tuple(dict.fromkeys((*self.named, *self.lost, *self.restored)))

    @property
    def to_work_at(self) -> tuple[int, ...]:
        """Sites where work is left; every site when nothing is lost any more."""
        return tuple(dict.fromkeys((*self.named, *self.lost))) if self.lost else self.all


def sites_of(connection: Connection, ticket: Ticket) -> TicketSites:
    """Return the sites of a ticket."""
    named = () if ticket.site_id is None else (ticket.site_id,)
    if ticket.incident_id is None:
        return TicketSites(named=named, lost=(), restored=())
    query = (
        select(gateways.c.site_id, incident_gateways.c.restored_us)
        .join(gateways, gateways.c.eui == incident_gateways.c.eui)
        .where(incident_gateways.c.incident_id == ticket.incident_id)
        .order_by(incident_gateways.c.since_us, incident_gateways.c.eui)
    )
    rows = connection.execute(query).all()
    lost = dict.fromkeys(row.site_id for row in rows if row.restored_us is None)
    restored = dict.fromkeys(row.site_id for row in rows if row.site_id not in lost)
    return TicketSites(named=named, lost=tuple(lost), restored=tuple(restored))


def incidents_of(connection: Connection, eui: str) -> frozenset[int]:
    """Return the incidents that a gateway belongs to, and has not come back in."""
    mine = (incident_gateways.c.eui == eui) & incident_gateways.c.restored_us.is_(None)
    return frozenset(connection.execute(select(incident_gateways.c.incident_id).where(mine)).scalars())


def incidents_at(connection: Connection, site_id: int) -> frozenset[int]:
    """Return the incidents with a gateway that hangs on a site; the mirror of ``sites_of``."""
    query = (
        select(incident_gateways.c.incident_id)
        .join(gateways, gateways.c.eui == incident_gateways.c.eui)
        .where(gateways.c.site_id == site_id)
    )
    return frozenset(connection.execute(query).scalars())
