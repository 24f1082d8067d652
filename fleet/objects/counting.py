"""Counting of objects and addresses in SQL: one day at a time, over bitmaps, whatever the number of objects.

Days that are over are counted once a day for ``COUNT_AGAIN_DAYS`` and kept without any address
(``connectivity_days``), so that a month can be told after the addresses are gone (``heard_days``).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, exists, func, literal, or_, select

from fleet.db.upsert import upsert
from fleet.evidence.facts import load_blindness
from fleet.evidence.sketches import oldest_day, sketches
from fleet.facts.intervals import clip, normal, total
from fleet.facts.months import days_of
from fleet.lang.paris import paris
from fleet.objects.address_parts import Part, in_parts
from fleet.objects.connectivity import (
    FORTNIGHT_DAYS,
    Connectivity,
    DayCount,
    SilentObject,
    connectivity,
    day_to_count,
)
from fleet.objects.sheet import Status
from fleet.objects.tables import connectivity_days, connectivity_members, object_months, objects
from fleet.registry.tables import communes

ADDRESSES_LIMIT = 600_000
"""Addresses that are counted at once; where a day has more, they are counted part by part."""
COUNTS = ("day", "objects", "heard", "heard_fortnight", "heard_month", "frames", "frames_redundant")
LOOK_BACK_DAYS = 90
"""Older days were counted, or their addresses are gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """One day, of all objects and of those of each EPCI."""

    whole: DayCount
    members: dict[str, DayCount]


def count_day(connection: Connection, day: str) -> Counted:
    """Return the counts of one day of Paris as they are known."""
    events = _connected(connection, day) and not _blind(connection, day)
    found = {
        epci: DayCount(day=day, events=events, **counts) for epci, counts in _counts(connection, day).items()
    }
    whole = DayCount(
        day=day,
        events=events,
        addresses_by_gateways=_addresses(connection, day),
        **{name: sum(getattr(one, name) for one in found.values()) for name in COUNTS if name != "day"},
    )
    return Counted(whole=whole, members={epci: one for epci, one in found.items() if epci})


def _counts(connection: Connection, day: str) -> dict[str, dict[str, Any]]:
    """Return what is counted of one day, by EPCI; objects whose EPCI is not known stand under « »."""
    month = day[:7]
    up_to = [f"{month}-{number:02d}" for number in range(1, int(day[8:]) + 1)]
    service = objects.c.status == Status.SERVICE
    listed = select(objects.c.epci, func.count()).where(service).group_by(objects.c.epci)
    found = {
        epci: {"objects": count, "heard": 0, "heard_fortnight": 0}
        for epci, count in connection.execute(listed)
    }
    for name, days in (("heard", [day]), ("heard_fortnight", _days_up_to(day)), ("heard_month", up_to)):
        for epci, count in connection.execute(listed.where(objects.c.dev_eui.in_(_who(days)))):
            found[epci][name] = count
    row = object_months.c
    frames = (
        select(objects.c.epci, func.sum(row.frames), func.sum(row.frames_redundant))
        .join(object_months, row.dev_eui == objects.c.dev_eui)
        .where(service, row.month == month)
        .group_by(objects.c.epci)
    )
    for epci, all_, redundant in connection.execute(frames):
        found[epci] |= {"frames": int(all_), "frames_redundant": int(redundant)}
    return found


def _who(days: list[str]) -> Select[tuple[str]]:
    return select(object_months.c.dev_eui).where(_on(days))


def _connected(connection: Connection, day: str) -> bool:
    """Return whether the LNS's events were connected on a day: one came on it or on a day before."""
    counted = exists().where(connectivity_days.c.day <= day, connectivity_days.c.events)
    row = object_months.c
    up_to = row.days.bitwise_and(literal((bit_of(day) << 1) - 1)) != 0
    heard_ = exists().where(or_(row.month < day[:7], and_(row.month == day[:7], up_to)))
    return bool(connection.scalar(select(or_(counted, heard_))))


def _blind(connection: Connection, day: str) -> bool:
    """Return whether it is proved that we could not see for all of a day (AVAILABILITY §4)."""
    number = int(day[8:])
    window = days_of(day[:7])[number - 1]
    known = [one for one in load_blindness(connection, window.start_us) if not one.euis]
    spans = normal((one.start_us, window.end_us if one.end_us is None else one.end_us) for one in known)
    return total(clip(spans, window.start_us, window.end_us)) == window.length_us


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


def _addresses(connection: Connection, day: str) -> dict[int, int]:
    """Return how many addresses exactly so many gateways heard."""

    def counted(part: Part) -> Counter[int] | None:
        found: Counter[int] = Counter()
        for one in sketches(connection, day, day):
            found.update(part.of(one.best_dbm.keys()))
            if len(found) > ADDRESSES_LIMIT:
                return None
        return Counter(found.values())

    return dict(sum(in_parts(counted), Counter()))


def store_count(connection: Connection, counted: Counted, now_us: int) -> None:
    """Keep the counts of a day."""
    one = counted.whole
    row = _kept(one) | {
        "events": one.events,
        "addresses_by_gateways": {str(many): count for many, count in one.addresses_by_gateways.items()},
        "counted_at_us": now_us,
    }
    upsert(connection, connectivity_days, [row], key=("day",))
    mine = [_kept(member) | {"epci": epci} for epci, member in sorted(counted.members.items())]
    if mine:
        upsert(connection, connectivity_members, mine, key=("day", "epci"))


def _kept(one: DayCount) -> dict[str, Any]:
    return {name: getattr(one, name) for name in COUNTS}


def next_day(connection: Connection, now_us: int) -> str | None:
    """Return the day that should be counted now, None when none should."""
    today = f"{paris(now_us):%Y-%m-%d}"
    first_month = connection.scalar(select(func.min(object_months.c.month)))
    starts = [oldest_day(connection), first_month and f"{first_month}-01"]
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


def month_connectivity(connection: Connection, month: str, now_us: int, *, epci: str = "") -> Connectivity:
    """Return the connectivity of the whole days of a month, from their counts; see ``connectivity``.

    With an EPCI that of its objects, without addresses, which belong to nobody.  Days that nobody counted yet
    are counted here.

    Raises:
        ValueError: not a month.
    """
    over = [f"{paris(day.start_us):%Y-%m-%d}" for day in days_of(month) if day.end_us <= now_us]
    kept = _members(connection, over, epci) if epci else _whole(connection, over)
    return connectivity(kept.get(day) or _of(count_day(connection, day), epci) for day in over)


def _of(counted: Counted, epci: str) -> DayCount:
    """Return the day of all objects, or of those of one EPCI; one without an object has none."""
    if not epci:
        return counted.whole
    none = DayCount(day=counted.whole.day, objects=0, heard=0, heard_fortnight=0, events=counted.whole.events)
    return counted.members.get(epci, none)


def _whole(connection: Connection, days: Sequence[str]) -> dict[str, DayCount]:
    query = select(connectivity_days).where(connectivity_days.c.day.in_(days))
    return {
        one["day"]: DayCount(
            events=one["events"],
            addresses_by_gateways={int(many): count for many, count in one["addresses_by_gateways"].items()},
            **_counts_of(one),
        )
        for one in connection.execute(query).mappings()
    }


def _members(connection: Connection, days: Sequence[str], epci: str) -> dict[str, DayCount]:
    row = connectivity_members.c
    query = (
        select(connectivity_members, connectivity_days.c.events)
        .join(connectivity_days, connectivity_days.c.day == row.day)
        .where(row.day.in_(days), row.epci == epci)
    )
    return {
        one["day"]: DayCount(events=one["events"], **_counts_of(one))
        for one in connection.execute(query).mappings()
    }


def _counts_of(row: RowMapping) -> dict[str, Any]:
    return {name: row[name] for name in COUNTS}


def silent_objects(connection: Connection, month: str, now_us: int, epci: str) -> list[SilentObject]:
    """Return the objects in service of an EPCI (of all, if empty) unheard for 14 days at the month's end."""
    end_us = min(days_of(month)[-1].end_us, now_us)
    last = f"{paris(end_us - 1):%Y-%m-%d}"
    row, months = objects.c, object_months.c
    newest = (
        select(months.dev_eui, func.max(months.heard_at_us).label("at_us"))
        .group_by(months.dev_eui)
        .subquery()
    )
    query = (
        select(row.dev_eui, row.name, communes.c.name.label("commune"), newest.c.at_us)
        .outerjoin(newest, newest.c.dev_eui == row.dev_eui)
        .outerjoin(communes, communes.c.insee == row.commune_insee)
        .where(row.status == Status.SERVICE, row.dev_eui.not_in(_who(_days_up_to(last))))
        .order_by(newest.c.at_us.is_not(None), newest.c.at_us, row.dev_eui)
    )
    if epci:
        query = query.where(row.epci == epci)
    return [
        SilentObject(dev_eui=one.dev_eui, name=one.name, commune=one.commune or "", heard_at_us=one.at_us)
        for one in connection.execute(query)
    ]
