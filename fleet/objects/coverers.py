"""Who hears the sensors of each commune in a month, from the sketches of the 30 days before it.

A *sensor* is a DevAddr that was heard on ``DAYS_MIN`` days; its coverers are the gateways that heard it then,
and its commune is that of the gateway that heard it best.  Sketches of the days before the month decide, so
that an outage within the month takes no sensor away; a first month without any before it takes its own days,
anew every day until it is over.  What is kept names gateways and numbers, no address.
Source: AVAILABILITY §3 (the figure by sensors), §9 (sketches).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from itertools import groupby
from struct import Struct

import msgspec
from sqlalchemy import Connection, delete, insert, select

from fleet.availability.sensors import Coverage
from fleet.db.upsert import upsert
from fleet.evidence.coherence import MEASURED_LIMIT
from fleet.evidence.sketches import Sketch, is_any_between, sketches
from fleet.facts.months import days_of
from fleet.lang.paris import paris
from fleet.objects.address_parts import Part, in_parts
from fleet.objects.counting import ADDRESSES_LIMIT
from fleet.objects.tables import coverage_months, month_coverages
from fleet.registry.tables import gateways, sites

REFERENCE_DAYS = 30
DAYS_MIN = 2
"""An address heard on one day only may be a passer-by of another network."""
LOWEST_DBM = -MEASURED_LIMIT
_LISTENER = Struct("=iI")
"""How weakly a gateway heard an address (dB below 1 mW), and its number in order of EUIs: 600,000 addresses
with a list of tuples each took 110 MB more."""


def load_coverages(connection: Connection, month: str) -> tuple[Coverage, ...]:
    """Return the coverages that were frozen for a month; empty when none were."""
    row = month_coverages.c
    query = select(row.commune_insee, row.euis, row.sensors).where(row.month == month)
    found = (
        Coverage(insee=insee, euis=tuple(euis.split(",")), sensors=sensors)
        for insee, euis, sensors in connection.execute(query)
    )
    return tuple(sorted(found, key=lambda one: (one.insee, one.euis)))


def is_due(connection: Connection, month: str, now_us: int) -> bool:
    """Return whether the coverages of a month should be taken, or taken again."""
    row = connection.execute(select(coverage_months).where(coverage_months.c.month == month)).first()
    return row is None or (row.last_day >= f"{month}-01" and row.last_day < _yesterday(now_us))


class Coverages(msgspec.Struct, frozen=True, kw_only=True):
    """The coverages of a month, and from which days (UTC, both included) they were taken."""

    month: str
    first_day: str
    last_day: str
    taken: tuple[Coverage, ...]

    @property
    def sensors(self) -> int:
        """How many they are of."""
        return sum(one.sensors for one in self.taken)


def reckon_coverages(connection: Connection, month: str, now_us: int) -> Coverages:
    """Return the coverages of a month from the sketches; seconds for a large network.

    Raises:
        TooManyAddresses: see ``in_parts``.
    """
    first, last = _reference(connection, month, now_us)
    communes = _communes(connection)
    found = in_parts(lambda part: _counted(sketches(connection, first, last), part, communes))
    counts = sum(found, Counter[tuple[str, tuple[str, ...]]]())
    taken = tuple(
        Coverage(insee=insee, euis=euis, sensors=counts[insee, euis]) for insee, euis in sorted(counts)
    )
    return Coverages(month=month, first_day=first, last_day=last, taken=taken)


def store_coverages(connection: Connection, coverages: Coverages) -> None:
    """Keep the coverages of a month in place of those that it had."""
    month = coverages.month
    connection.execute(delete(month_coverages).where(month_coverages.c.month == month))
    rows = [
        {"month": month, "commune_insee": one.insee, "euis": ",".join(one.euis), "sensors": one.sensors}
        for one in coverages.taken
    ]
    if rows:
        connection.execute(insert(month_coverages), rows)
    row = {"month": month, "first_day": coverages.first_day, "last_day": coverages.last_day}
    upsert(connection, coverage_months, [row | {"sensors": coverages.sensors}], key=("month",))


def _yesterday(now_us: int) -> str:
    return (paris(now_us).date() - timedelta(days=1)).isoformat()


def _reference(connection: Connection, month: str, now_us: int) -> tuple[str, str]:
    start = paris(days_of(month)[0].start_us).date()
    first, last = start - timedelta(days=REFERENCE_DAYS), start - timedelta(days=1)
    if is_any_between(connection, first.isoformat(), last.isoformat()):
        return first.isoformat(), last.isoformat()
    end = date.fromisoformat(f"{paris(days_of(month)[-1].start_us):%Y-%m-%d}").isoformat()
    return start.isoformat(), min(end, _yesterday(now_us))


def _communes(connection: Connection) -> dict[str, str]:
    """Return the commune (INSEE) of each gateway of the registry."""
    query = select(gateways.c.eui, sites.c.commune_insee).join(sites, sites.c.id == gateways.c.site_id)
    return {row.eui: row.commune_insee for row in connection.execute(query)}


def _counted(
    found: Iterable[Sketch], part: Part, communes: Mapping[str, str]
) -> Counter[tuple[str, tuple[str, ...]]] | None:
    """Return how many sensors of a commune exactly these gateways hear; None: too many addresses to hold."""
    days: dict[str, int] = {}
    heard_on: dict[int, int] = {}
    heard_by: dict[int, bytes] = {}
    euis: list[str] = []
    for eui, of_gateway in groupby(found, key=lambda one: one.eui):
        best: dict[int, int] = {}
        for one in of_gateway:
            bit = 1 << days.setdefault(one.day, len(days))
            for address in part.of(one.best_dbm):
                heard_on[address] = heard_on.get(address, 0) | bit
                best[address] = max(one.best_dbm[address], best.get(address, LOWEST_DBM))
        if eui in communes:
            euis.append(eui)
            for address, rssi_dbm in best.items():
                listener = _LISTENER.pack(-rssi_dbm, len(euis) - 1)
                heard_by[address] = heard_by.get(address, b"") + listener
        if len(heard_on) > ADDRESSES_LIMIT:
            return None
    days_min = min(DAYS_MIN, len(days))
    seen = (by for address, by in heard_by.items() if heard_on[address].bit_count() >= days_min)
    counts: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for by, sensors in Counter(seen).items():
        listeners = sorted(_LISTENER.iter_unpack(by))
        commune = communes[euis[listeners[0][1]]]
        counts[commune, tuple(sorted(euis[number] for _, number in listeners))] += sensors
    return counts
