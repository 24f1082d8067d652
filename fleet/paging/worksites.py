"""Where a ticket's work is: its sites, what they take, whose territory it is, and so whom to call."""

from sqlalchemy import Connection, select

from fleet.incidents import store
from fleet.incidents.context import CycleContext
from fleet.incidents.sites import sites_of
from fleet.notify.compose import LISTED_LIMIT
from fleet.oncall import store as oncall
from fleet.oncall.choice import Choice, choose
from fleet.oncall.model import OnCallNow
from fleet.registry.tables import sites
from fleet.tickets.model import Ticket


def choose_for(context: CycleContext, ticket: Ticket, on_call: tuple[OnCallNow, ...]) -> Choice:
    """Return whom of those on call a ticket is for."""
    connection = context.connection
    territory = oncall.territory_of(connection, communes_of(connection, ticket))
    return choose(on_call, territory, needs_of(connection, sites_of(connection, ticket).to_work_at))


def communes_of(connection: Connection, ticket: Ticket) -> tuple[str, ...]:
    """Return the communes (INSEE) that a ticket is about."""
    more = () if ticket.incident_id is None else store.communes_of(connection, ticket.incident_id)
    return tuple(dict.fromkeys((ticket.commune_insee, *more)))


def needs_of(connection: Connection, ids: tuple[int, ...]) -> tuple[str, ...]:
    """Return what interventions on these sites take; nothing for more sites than one drives to."""
    if not ids or len(ids) > LISTED_LIMIT:
        return ()
    rows = connection.execute(select(sites.c.needs).where(sites.c.id.in_(ids))).scalars()
    return tuple(dict.fromkeys(need for needs in rows for need in needs))
