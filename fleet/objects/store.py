"""Objects in the database: upsert by DevEUI; there is no column for a key."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, func, select

from fleet.availability.months import days_of, to_datetime
from fleet.db.upsert import upsert
from fleet.evidence.store import count as add_counts
from fleet.objects.connectivity import FORTNIGHT_DAYS, Connectivity, connectivity
from fleet.objects.sheet import ObjectList, Status
from fleet.objects.tables import object_days, objects


def apply_objects(connection: Connection, listed: ObjectList, now_us: int) -> int:
    """Upsert every row and return how many there were."""
    rows = [asdict(row) | {"imported_at_us": now_us} for row in listed.rows]
    upsert(connection, objects, rows, key=("dev_eui",))
    return len(rows)


def in_service(connection: Connection) -> frozenset[str]:
    """Return the DevEUIs that count: objects with status SERVICE (AVAILABILITY §9)."""
    return frozenset(connection.scalars(select(objects.c.dev_eui).where(objects.c.status == Status.SERVICE)))


def count(connection: Connection) -> dict[str, int]:
    """Return the number of objects by status."""
    query = select(objects.c.status, func.count()).group_by(objects.c.status)
    return {row[0]: row[1] for row in connection.execute(query)}


def store_days(connection: Connection, rows: Sequence[Mapping[str, Any]], counted: dict[str, int]) -> None:
    """Write on which days objects were heard, and how many events there were by outcome."""
    if rows:
        upsert(connection, object_days, [dict(row) for row in rows], key=("day", "dev_eui"))
    if counted:
        add_counts(connection, counted)


def month_connectivity(connection: Connection, month: str, now_us: int) -> Connectivity:
    """Return the connectivity of a month over its whole days since the LNS's events came in.

    Without an object list, or without an event in those days, it is not verifiable.
    """
    first = connection.scalar(select(func.min(object_days.c.day)))
    days = [f"{to_datetime(day.start_us):%Y-%m-%d}" for day in days_of(month) if day.end_us <= now_us]
    known = [day for day in days if first is not None and day >= first]
    heard = _heard_by_day(connection, month, known[-1]) if known else None
    return connectivity(in_service(connection), heard, known)


def _heard_by_day(connection: Connection, month: str, until: str) -> dict[str, frozenset[str]] | None:
    before_us = days_of(month)[0].start_us - (FORTNIGHT_DAYS - 1) * 86_400_000_000
    column = object_days.c
    query = select(column.day, column.dev_eui).where(
        column.day >= f"{to_datetime(before_us):%Y-%m-%d}", column.day <= until
    )
    heard: dict[str, set[str]] = {}
    for day, dev_eui in connection.execute(query):
        heard.setdefault(day, set()).add(dev_eui)
    return {day: frozenset(euis) for day, euis in heard.items()} or None
