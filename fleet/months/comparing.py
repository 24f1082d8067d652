"""What today's program would say otherwise of closed months that another one closed, compared once and kept.

After an update every closed month may be told otherwise; reckoning one anew takes seconds, so the closer has
one compared at a look where nothing else is due, and pages show what is known.
"""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, func, select

from fleet.availability import document
from fleet.db.upsert import upsert
from fleet.durations import HOUR_US
from fleet.months.tables import month_comparisons, month_versions

NAMES_LIMIT: Final = 100
"""Names of what differs that are kept of one version; all are counted."""
AGAIN_US: Final = HOUR_US
"""After a comparison that ended without an answer, until the next month is tried."""


def uncompared(connection: Connection, after: str = "") -> tuple[str, int] | None:
    """Return the next month whose newest version today's program was not compared with, and its number.

    Oldest first, those behind ``after`` before the others.
    """
    version, compared = month_versions.c, month_comparisons.c
    number = func.max(version.version).label("number")
    newest = select(version.month, number).group_by(version.month).subquery()
    mine = (
        (compared.month == newest.c.month)
        & (compared.version == newest.c.number)
        & (compared.code == document.CODE)
    )
    query = (
        select(newest.c.month, newest.c.number)
        .outerjoin(month_comparisons, mine)
        .where(compared.month.is_(None))
        .order_by(newest.c.month <= after, newest.c.month)
        .limit(1)
    )
    found = connection.execute(query).first()
    return None if found is None else (found.month, found.number)


def store_comparison(
    connection: Connection,
    month: str,
    number: int,
    *,
    differs: tuple[str, ...] = (),
    error: str = "",
) -> None:
    """Keep how today's program compares with a version, or why it does not."""
    row: Mapping[str, Any] = {
        "month": month,
        "version": number,
        "code": document.CODE,
        "differs": list(differs[:NAMES_LIMIT]),
        "count": len(differs),
        "error": error,
    }
    upsert(connection, month_comparisons, [row], key=("month", "version"))


def comparison_of(connection: Connection, month: str, number: int) -> RowMapping | None:
    """Return how today's program compares with a version; None: not compared yet."""
    row = month_comparisons.c
    query = select(month_comparisons).where(
        row.month == month, row.version == number, row.code == document.CODE
    )
    return connection.execute(query).mappings().first()
