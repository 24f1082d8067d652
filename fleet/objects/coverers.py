"""Who hears the sensors of each commune in a month, from the sketches of the 30 days before it.

A *sensor* is a DevAddr that was heard on ``DAYS_MIN`` days; its coverers are the gateways that heard it then,
and its commune is that of the gateway that heard it best.  Sketches of the days before the month decide, so
that an outage within the month takes no sensor away; a first month without any before it takes its own days,
anew every day until it is over.  What is kept names gateways and numbers, no address.
Source: AVAILABILITY §3 (the figure by sensors), §9 (sketches).
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import groupby

from sqlalchemy import Connection, delete, func, insert, select

from fleet.availability.sensors import Coverage
from fleet.db.upsert import upsert
from fleet.evidence.tables import heard
from fleet.facts.months import days_of
from fleet.lang.paris import paris
from fleet.objects.counting import ADDRESS_DIGITS
from fleet.objects.tables import coverage_months, month_coverages
from fleet.registry.tables import gateways, sites

REFERENCE_DAYS = 30
DAYS_MIN = 2
"""An address heard on one day only may be a passer-by of another network."""


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


def freeze(connection: Connection, month: str, now_us: int) -> int:
    """Take the coverages of a month from the sketches and return of how many sensors they are."""
    first, last = _reference(connection, month, now_us)
    counts: dict[tuple[str, tuple[str, ...]], int] = {}
    for key in _sensors(connection, first, last):
        counts[key] = counts.get(key, 0) + 1
    connection.execute(delete(month_coverages).where(month_coverages.c.month == month))
    rows = [
        {"month": month, "commune_insee": insee, "euis": ",".join(euis), "sensors": count}
        for (insee, euis), count in sorted(counts.items())
    ]
    if rows:
        connection.execute(insert(month_coverages), rows)
    sensors = sum(counts.values())
    told = {"month": month, "first_day": first, "last_day": last, "sensors": sensors}
    upsert(connection, coverage_months, [told], key=("month",))
    return sensors


def _yesterday(now_us: int) -> str:
    return (paris(now_us).date() - timedelta(days=1)).isoformat()


def _reference(connection: Connection, month: str, now_us: int) -> tuple[str, str]:
    start = paris(days_of(month)[0].start_us).date()
    first, last = start - timedelta(days=REFERENCE_DAYS), start - timedelta(days=1)
    day = heard.c.day
    query = select(func.count()).where(day >= first.isoformat(), day <= last.isoformat())
    if connection.scalar(query.select_from(heard)):
        return first.isoformat(), last.isoformat()
    end = date.fromisoformat(f"{paris(days_of(month)[-1].start_us):%Y-%m-%d}").isoformat()
    return start.isoformat(), min(end, _yesterday(now_us))


def _sensors(connection: Connection, first: str, last: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Return commune and coverers of each sensor."""
    row = heard.c
    within = (row.day >= first) & (row.day <= last) & (func.length(row.address) == ADDRESS_DIGITS)
    days = connection.scalar(select(func.count(row.day.distinct())).where(within)) or 0
    by_address = (
        select(row.address, row.eui, func.max(row.best_rssi_dbm), sites.c.commune_insee)
        .join(gateways, gateways.c.eui == row.eui)
        .join(sites, sites.c.id == gateways.c.site_id)
        .where(within)
        .group_by(row.address, row.eui, sites.c.commune_insee)
        .order_by(row.address)
    )
    often = (
        select(row.address)
        .where(within)
        .group_by(row.address)
        .having(func.count(row.day.distinct()) >= min(DAYS_MIN, days))
    )
    found = connection.execute(by_address.where(row.address.in_(often)))
    for _, group in groupby(found, key=lambda one: one[0]):
        yield _placed((eui, rssi, insee) for _, eui, rssi, insee in group)


def _placed(heard_by: Iterable[tuple[str, int, str]]) -> tuple[str, tuple[str, ...]]:
    told = sorted(heard_by, key=lambda one: (-one[1], one[0]))
    return told[0][2], tuple(sorted(eui for eui, _, _ in told))
