"""The roll of gateways: what a list needs of each, as plain rows; cheaper than the whole registry."""

from typing import NamedTuple

from sqlalchemy import Connection, select

from fleet.registry.tables import gateways, sites


class OnRoll(NamedTuple):
    """One gateway in a list."""

    eui: str
    name: str
    site_name: str
    commune_insee: str


_ROLL = (
    select(gateways.c.eui, gateways.c.name, sites.c.name, sites.c.commune_insee)
    .join(sites, sites.c.id == gateways.c.site_id)
    .order_by(gateways.c.name, gateways.c.eui)
)


def call_roll(connection: Connection) -> list[OnRoll]:
    """Return every gateway, by name."""
    return [OnRoll(*row) for row in connection.execute(_ROLL)]
