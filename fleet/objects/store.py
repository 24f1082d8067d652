"""Objects in the database: upsert by DevEUI; there is no column for a key."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from shapely import STRtree
from shapely.geometry import Point, shape
from sqlalchemy import ColumnElement, Connection, case, delete, func, literal, select, tuple_, update

from fleet.availability.corroboration import HeardHour
from fleet.db.upsert import Rows, upsert, write
from fleet.durations import HOUR_US
from fleet.evidence.store import count as add_counts
from fleet.facts.months import Window
from fleet.lang.paris import paris
from fleet.objects.counting import bit_of
from fleet.objects.sheet import ObjectList
from fleet.objects.tables import lns_heard, object_months, objects
from fleet.registry.store import Commune, load_communes
from fleet.registry.tables import communes

FRAMES = ("frames", "frames_redundant")
HOURS_AT_ONCE = 10_000
"""Rows of ``lns_heard`` that are fetched at once: a month has more than a million."""


def apply_objects(connection: Connection, listed: ObjectList, now_us: int, *, epci: str = "") -> int:
    """Upsert every row and return how many there were; ``epci`` is the member whose list it is.

    An object whose place lies in a commune that we know belongs to that commune and its EPCI.

    Raises:
        ValueError: no commune is in that EPCI.
    """
    known = load_communes(connection)
    if epci and all(one.epci != epci for one in known):
        raise ValueError(f"epci: no commune is in {epci!r}")
    territory = Territory.of(known, load_polygons(connection))
    rows = [
        asdict(row) | {"imported_at_us": now_us} | territory.of_place(row.lat, row.lon, epci)
        for row in listed.rows
    ]
    upsert(connection, objects, rows, key=("dev_eui",))
    return len(rows)


def count(connection: Connection) -> dict[str, int]:
    """Return the number of objects by status."""
    query = select(objects.c.status, func.count()).group_by(objects.c.status)
    return {row[0]: row[1] for row in connection.execute(query)}


def store_days(connection: Connection, rows: Sequence[Mapping[str, Any]], counted: dict[str, int]) -> None:
    """Write on which days objects were heard, and how many events there were by outcome."""
    months: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        key = (row["day"][:7], row["dev_eui"])
        kept = months.setdefault(key, dict.fromkeys(("days", "heard_at_us", *FRAMES), 0))
        kept["days"] |= bit_of(row["day"])
        kept["heard_at_us"] = max(kept["heard_at_us"], row["heard_at_us"])
        for name in FRAMES:
            kept[name] += row.get(name, 0)
    found = [{"month": month, "dev_eui": dev_eui} | one for (month, dev_eui), one in months.items()]
    write(connection, (Rows(object_months, ("month", "dev_eui"), found, added=FRAMES, bits=("days",)),))
    if counted:
        add_counts(connection, counted)


def store_heard(connection: Connection, minutes: Mapping[tuple[str, int], int]) -> None:
    """Write in which minutes of which hours the LNS heard through gateways."""
    rows = [{"eui": eui, "hour_at_us": hour_us, "minutes": bits} for (eui, hour_us), bits in minutes.items()]
    write(connection, (Rows(lns_heard, ("eui", "hour_at_us"), rows, bits=("minutes",)),))


def load_heard(connection: Connection, window: Window) -> Iterator[tuple[str, list[HeardHour]]]:
    """Yield each gateway with the minutes in which the LNS heard through it, in order of time."""
    row = lns_heard.c
    query = select(lns_heard).where(_heard_within(window)).order_by(row.eui, row.hour_at_us)
    rows = connection.execute(query.execution_options(yield_per=HOURS_AT_ONCE))
    for eui, hours in groupby(rows, key=lambda one: str(one.eui)):
        yield eui, [HeardHour(one.hour_at_us, one.minutes) for one in hours]


def gateways_by_hour(connection: Connection, window: Window) -> dict[int, int]:
    """Return through how many gateways the LNS heard in each hour."""
    hour = lns_heard.c.hour_at_us
    query = select(hour, func.count()).where(_heard_within(window)).group_by(hour)
    return {row[0]: row[1] for row in connection.execute(query)}


def _heard_within(window: Window) -> ColumnElement[bool]:
    hour = lns_heard.c.hour_at_us
    return (hour >= window.start_us - HOUR_US) & (hour < window.end_us)


def forget_days(connection: Connection, before_us: int, *, limit: int) -> int:
    """Clear the days before an instant, of ``limit`` rows at most, and return of how many it did.

    A row without any day left goes.
    """
    day = f"{paris(before_us):%Y-%m-%d}"
    row = object_months.c
    kept = -bit_of(day)
    older = (row.month == day[:7]) & (row.days.bitwise_and(literal(~kept)) != 0)
    query = select(row.month, row.dev_eui).where((row.month < day[:7]) | older).limit(limit).subquery()
    keys = select(query.c.month, query.c.dev_eui)
    mine = tuple_(row.month, row.dev_eui).in_(keys)
    left = case((row.month < day[:7], 0), else_=row.days.bitwise_and(literal(kept)))
    cleared = connection.execute(update(object_months).where(mine).values(days=left)).rowcount
    connection.execute(delete(object_months).where(row.month <= day[:7], row.days == 0))
    return cleared


@dataclass(frozen=True, slots=True)
class Territory:
    """Borders of communes, to be asked for places."""

    tree: STRtree
    communes: tuple[Commune, ...]

    @classmethod
    def of(cls, known: Sequence[Commune], polygons: Mapping[str, Mapping[str, Any]]) -> "Territory":
        """Return the communes that have a border."""
        bordered = tuple(one for one in known if one.insee in polygons)
        return cls(STRtree([shape(polygons[one.insee]) for one in bordered]), bordered)

    def of_place(self, lat: float | None, lon: float | None, epci: str) -> dict[str, str]:
        """Return commune and EPCI of a place; where no border holds it, the EPCI of the list it stands in."""
        if lat is not None and lon is not None:
            found = self.tree.query(Point(lon, lat), predicate="intersects")
            if len(found):
                one = self.communes[min(found)]
                return {"commune_insee": one.insee, "epci": one.epci or epci}
        return {"commune_insee": "", "epci": epci}


def load_polygons(connection: Connection) -> dict[str, Mapping[str, Any]]:
    """Return the borders of the communes that have one."""
    query = select(communes.c.insee, communes.c.polygon).where(communes.c.polygon.is_not(None))
    return {row.insee: row.polygon for row in connection.execute(query) if row.polygon}
