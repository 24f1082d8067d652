"""Objects in the database: upsert by DevEUI; there is no column for a key."""

from dataclasses import asdict

from sqlalchemy import Connection, func, select

from fleet.db.upsert import upsert
from fleet.objects.sheet import ObjectList, Status
from fleet.objects.tables import objects


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
