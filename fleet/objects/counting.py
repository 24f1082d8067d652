"""Counting of objects and addresses in SQL: one day at a time, over bitmaps, whatever the number of objects.

Days that are over are counted once a day for ``COUNT_AGAIN_DAYS`` and kept without any address
(``connectivity_days``), so that a month can be told after the addresses are gone (``heard_days``).
"""

from datetime import date, timedelta

from sqlalchemy import ColumnElement, Connection, and_, exists, func, literal, or_, select

from fleet.db.upsert import upsert
from fleet.evidence.tables import heard
from fleet.facts.months import days_of
from fleet.lang.paris import paris
from fleet.objects.connectivity import FORTNIGHT_DAYS, Connectivity, DayCount, connectivity, day_to_count
from fleet.objects.sheet import Status
from fleet.objects.tables import connectivity_days, object_months, objects

ADDRESS_DIGITS = 8
"""A DevAddr; longer ones are DevEUIs of joins, which name the same object a second time."""
LOOK_BACK_DAYS = 90
"""Older days were counted, or their addresses are gone."""


def count_day(connection: Connection, day: str) -> DayCount:
    """Return the counts of one day of Paris as they are known."""
    listed = select(func.count()).select_from(objects).where(objects.c.status == Status.SERVICE)
    return DayCount(
        day=day,
        objects=connection.scalar(listed) or 0,
        heard=_heard(connection, [day]),
        heard_fortnight=_heard(connection, _days_up_to(day)),
        events=bool(connection.scalar(select(exists().where(_on([day]))))),
        addresses_by_gateways=_addresses(connection, day),
    )


def _days_up_to(day: str) -> list[str]:
    last = date.fromisoformat(day)
    return [(last - timedelta(days=age)).isoformat() for age in range(FORTNIGHT_DAYS)]


def _on(days: list[str]) -> ColumnElement[bool]:
    """Return the condition that a row of ``object_months`` has one of the days."""
    bits: dict[str, int] = {}
    for day in days:
        bits[day[:7]] = bits.get(day[:7], 0) | bit_of(day)
    row = object_months.c
    return or_(
        *(and_(row.month == month, row.days.bitwise_and(literal(mask)) != 0) for month, mask in bits.items())
    )


def bit_of(day: str) -> int:
    """Return the bit of a day in its month.

    >>> bit_of("2026-10-01"), bit_of("2026-10-31")
    (1, 1073741824)
    """
    return 1 << int(day[8:]) - 1


def _heard(connection: Connection, days: list[str]) -> int:
    euis = select(object_months.c.dev_eui).where(_on(days))
    query = select(func.count()).select_from(objects).where(objects.c.status == Status.SERVICE)
    return connection.scalar(query.where(objects.c.dev_eui.in_(euis))) or 0


def _addresses(connection: Connection, day: str) -> dict[int, int]:
    by_address = (
        select(func.count().label("gateways"))
        .where(heard.c.day == day, func.length(heard.c.address) == ADDRESS_DIGITS)
        .group_by(heard.c.address)
        .subquery()
    )
    query = select(by_address.c.gateways, func.count()).group_by(by_address.c.gateways)
    return {row[0]: row[1] for row in connection.execute(query)}


def store_count(connection: Connection, one: DayCount, now_us: int) -> None:
    """Keep the counts of a day."""
    row = {
        "day": one.day,
        "objects": one.objects,
        "heard": one.heard,
        "heard_fortnight": one.heard_fortnight,
        "events": one.events,
        "addresses_by_gateways": {str(many): count for many, count in one.addresses_by_gateways.items()},
        "counted_at_us": now_us,
    }
    upsert(connection, connectivity_days, [row], key=("day",))


def next_day(connection: Connection, now_us: int) -> str | None:
    """Return the day that should be counted now, None when none should."""
    today = f"{paris(now_us):%Y-%m-%d}"
    first_month = connection.scalar(select(func.min(object_months.c.month)))
    starts = [connection.scalar(select(func.min(heard.c.day))), first_month and f"{first_month}-01"]
    known = [one for one in starts if one]
    if not known:
        return None
    oldest = (date.fromisoformat(today) - timedelta(days=LOOK_BACK_DAYS)).isoformat()
    row = connectivity_days.c
    query = select(row.day, row.counted_at_us, row.objects).where(row.day >= oldest)
    counted = {day: (at_us, listed) for day, at_us, listed in connection.execute(query)}
    service = objects.c.status == Status.SERVICE
    listed = connection.scalar(select(func.count()).select_from(objects).where(service)) or 0
    return day_to_count(counted, max(oldest, min(known)), today, objects=listed, now_us=now_us)


def month_connectivity(connection: Connection, month: str, now_us: int) -> Connectivity:
    """Return the connectivity of the whole days of a month, from their counts; see ``connectivity``.

    Days that nobody counted yet are counted here.

    Raises:
        ValueError: not a month.
    """
    over = [f"{paris(day.start_us):%Y-%m-%d}" for day in days_of(month) if day.end_us <= now_us]
    row = connectivity_days.c
    kept = {
        one.day: DayCount(
            day=one.day,
            objects=one.objects,
            heard=one.heard,
            heard_fortnight=one.heard_fortnight,
            events=one.events,
            addresses_by_gateways={int(many): count for many, count in one.addresses_by_gateways.items()},
        )
        for one in connection.execute(select(connectivity_days).where(row.day.in_(over)))
    }
    return connectivity(kept.get(day) or count_day(connection, day) for day in over)
