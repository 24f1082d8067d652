"""What is known of the air, for pages and API: the newest survey, who is silent, how the network grows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import Connection, select

from fleet.airtime.growth import Growth, growth_of
from fleet.airtime.hearing import Silence
from fleet.airtime.survey import NetworkAir, load_survey
from fleet.objects.tables import connectivity_days
from fleet.web.process_parts import Parts

GROWTH_DAYS: Final = 90
"""Days whose counts of sensors say how the network grows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Air:
    """The whole network's; pages show what who asks may see."""

    survey: NetworkAir | None
    silent: Mapping[str, Silence]
    growth: Growth | None


def air_of(parts: Parts) -> Air:
    """Return what is known of the air now; who is silent, of those that who asks may see."""
    whole = parts.whole or parts
    with whole.database.read() as connection:
        found, growth = load_survey(connection), _growth(connection)
    mine = parts.network.gateways
    silent = {eui: one for eui, one in whole.engine.hearing.silent.items() if eui in mine}
    return Air(survey=found, silent=silent, growth=growth)


def _growth(connection: Connection) -> Growth | None:
    """Return how the addresses grow that a day's sketches hold."""
    table = connectivity_days.c
    query = select(table.day, table.addresses_by_gateways).order_by(table.day.desc()).limit(GROWTH_DAYS)
    rows = connection.execute(query).all()
    counts = [
        (date.fromisoformat(day).toordinal(), sum(by_gateways.values()))
        for day, by_gateways in reversed(rows)
    ]
    return growth_of(counts)
