"""What retention keeps: sketches as they lie after a year, and what a month adds to each table."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from sqlalchemy import insert, select, text

from fleet.db.connect import Database
from fleet.evidence.sketches import DETAILS_DAYS, pack
from fleet.evidence.tables import heard_packed
from fleet.objects.connectivity import DayCount
from fleet.objects.counting import Counted, store_count
from fleet.registry.tables import gateways
from fleet.retention import Retention

MONTHS: Final = 12
MONTH_DAYS: Final = 30
VITALS_DAYS: Final = 365
A_DAY: Final = 557
"""Each gateway hears so many addresses: 300,000 sensors promised for 2030 (AMI 1.2), each heard by three."""
HEARD_BY: Final = 3
FIRST_ADDRESS: Final = 0x26000000
ADDRESS_BITS: Final = 25
"""A network's own part of a DevAddr of type 0 (LoRaWAN Backend Interfaces 1.1, table 5)."""
LEVELS_DBM: Final = range(-125, -60)
DIFFERENT_DAYS: Final = 7
"""Days of a gateway that are drawn; the same week comes again and again."""
_WHOLE: Final = (
    "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :last)"
    " INSERT INTO heard SELECT eui, :day, printf('%08x', rowid / 3 * 1000 + n), 255, 24, -110, -2.5, 10, :now"
    " FROM (SELECT eui, rowid FROM gateways) CROSS JOIN numbers"
)


def fill_sketches(database: Database, now_us: int) -> None:
    """Write what was heard until yesterday, and its counts; one whole day is due to be packed."""
    today = datetime.fromtimestamp(now_us / 1_000_000, UTC).date()
    days = [(today - timedelta(days=age)).isoformat() for age in range(1, Retention().heard_days + 1)]
    with database.read() as connection:
        euis = list(connection.scalars(select(gateways.c.eui).order_by(gateways.c.eui)))
    for number, eui in enumerate(euis):
        with database.write() as connection:
            connection.execute(insert(heard_packed), list(_packed(eui, number, days[DETAILS_DAYS:])))
    for day in days[:DETAILS_DAYS]:
        with database.write() as connection:
            connection.execute(text(_WHOLE), {"day": day, "now": now_us, "last": A_DAY})
    sensors = len(euis) * A_DAY // HEARD_BY
    counted = DayCount(
        day="", objects=0, heard=0, heard_fortnight=0, events=False, addresses_by_gateways={HEARD_BY: sensors}
    )
    with database.write() as connection:
        for day in days:
            store_count(connection, Counted(whole=replace(counted, day=day), members={}), now_us)


def _packed(eui: str, number: int, days: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the packed days of a gateway; it hears the addresses that its two neighbours hear."""
    near = Random(number // HEARD_BY)  # noqa: S311 - levels, not secrets
    own = Random(number)  # noqa: S311
    addresses = [FIRST_ADDRESS + near.randrange(1 << ADDRESS_BITS) for _ in range(A_DAY)]
    week = [
        pack(dict(zip(addresses, own.choices(LEVELS_DBM, k=A_DAY), strict=True)))
        for _ in range(DIFFERENT_DAYS)
    ]
    for age, day in enumerate(days):
        yield {"eui": eui, "day": day, "addresses": A_DAY, "content": week[age % DIFFERENT_DAYS]}


@dataclass(frozen=True, slots=True)
class Size:
    """What one table takes, with its indexes."""

    table: str
    bytes_: int
    month_bytes: int
    """What a month adds, before retention deletes anything."""


def sizes(database: Database) -> list[Size]:
    """Return the size of each table (sqlite.org/dbstat.html)."""
    pages = text(
        "SELECT coalesce(tbl_name, name), sum(pgsize) FROM dbstat LEFT JOIN sqlite_master USING (name)"
        " WHERE aggregate = TRUE GROUP BY 1"
    )
    months = _months_held(Retention())
    with database.read() as connection:
        return [
            Size(name, int(bytes_), round(bytes_ / months.get(name, MONTHS)))
            for name, bytes_ in connection.execute(pages)
        ]


def _months_held(kept: Retention) -> dict[str, float]:
    """Return how many months' worth of rows tables hold that retention keeps shorter than a year.

    Health details: as many hours as a month has, and a row for each older day.
    """
    hours, days = kept.vitals_hours_days * 24, VITALS_DAYS - kept.vitals_hours_days
    return {
        "heard_packed": (kept.heard_days - DETAILS_DAYS) / MONTH_DAYS,
        "delivered_frames": kept.frames_days / MONTH_DAYS,
        "vitals": (hours + days) / (MONTH_DAYS * 24),
        "heard": math.inf,
    }
