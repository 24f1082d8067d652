"""Health details over time: what gateways measured of themselves, by hour, then by day, then gone.

    heartbeats that tell vitals ──rows_of──▶ written with the batch ──▶ one row an hour in ``vitals``
    hours older than ``vitals_hours_days`` ──fold_days──▶ days ──sweep──▶ gone after ``vitals_days``

For people's eyes and trends only: no figure of the contract reads it.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from sqlalchemy import Connection, delete, select, tuple_

from agent.wire.messages import Heartbeat
from fleet.db.upsert import Rows, write
from fleet.durations import HOUR_US
from fleet.evidence.boots import AT_ONCE, groups
from fleet.evidence.tables import vitals
from fleet.lang.paris import paris, paris_us

NAMES = ("temperature_c", "cpu_percent", "memory_percent", "disk_percent", "backhaul_rtt_ms")
"""Told every fifth minute."""
BESIDE = "spool_records"
"""In every heartbeat; kept beside those above, so that a heartbeat without them writes nothing."""
HOUR_S, DAY_S = 3_600, 86_400
FOLD_LIMIT_ROWS = 20_000
"""Hours folded in one sweep: three quarters of an hour's rows of 20,000 gateways; the rest goes next time."""

Key: TypeAlias = tuple[str, int, int]
"""EUI, length in seconds, start."""
Sums: TypeAlias = dict[str, list[int]]
"""By name: how often it was told, sum, lowest, highest."""


def rows_of(connection: Connection, heartbeats: Iterable[tuple[str, Heartbeat, int]]) -> Rows:
    """Return the rows that hold what heartbeats tell beside what is stored."""
    return added(connection, sums_of(heartbeats))


def sums_of(heartbeats: Iterable[tuple[str, Heartbeat, int]]) -> dict[Key, Sums]:
    """Return what heartbeats tell, by the hour: each is EUI, heartbeat, when we received it."""
    sums: dict[Key, Sums] = {}
    for eui, beat, at_us in heartbeats:
        measured = {name: value for name in NAMES if (value := getattr(beat, name)) is not None}
        if measured:
            measured[BESIDE] = getattr(beat, BESIDE)
            key = (eui, HOUR_S, at_us - at_us % HOUR_US)
            single = {name: [1, value, value, value] for name, value in measured.items()}
            sums[key] = merged(sums.get(key, {}), single)
    return sums


def merged(one: Mapping[str, list[int]], other: Mapping[str, list[int]]) -> Sums:
    """Return both together.

    >>> merged({"cpu_percent": [1, 5, 5, 5]}, {"cpu_percent": [2, 20, 8, 12]})
    {'cpu_percent': [3, 25, 5, 12]}
    """
    both: Sums = {name: list(sums) for name, sums in one.items()}
    for name, (count, total, low, high) in other.items():
        known = both.get(name)
        both[name] = (
            [count, total, low, high]
            if known is None
            else [known[0] + count, known[1] + total, min(known[2], low), max(known[3], high)]
        )
    return both


def added(connection: Connection, sums: Mapping[Key, Sums]) -> Rows:
    """Return the rows that hold what is stored and these sums."""
    table, wanted = vitals.c, sorted(sums)
    key = tuple_(table.eui, table.span_s, table.from_at_us)
    stored: dict[Key, Sums] = {}
    for at in range(0, len(wanted), AT_ONCE):
        for row in connection.execute(select(vitals).where(key.in_(wanted[at : at + AT_ONCE]))):
            stored[row.eui, row.span_s, row.from_at_us] = row.told
    rows = [
        {"eui": eui, "span_s": span_s, "from_at_us": from_us, "told": merged(stored.get(one, {}), sums[one])}
        for one in wanted
        for eui, span_s, from_us in (one,)
    ]
    return Rows(vitals, ("eui", "span_s", "from_at_us"), rows)


def fold_days(connection: Connection, before_us: int, *, limit: int = FOLD_LIMIT_ROWS) -> int:
    """Fold hours that began before ``before_us`` into days of Paris; return how many."""
    table = vitals.c
    old = select(vitals).where(table.span_s == HOUR_S, table.from_at_us < before_us)
    rows = connection.execute(old.order_by(table.from_at_us).limit(limit)).all()
    days: dict[Key, Sums] = {}
    for row in rows:
        day = paris(row.from_at_us)
        key = (row.eui, DAY_S, paris_us(day.year, day.month, day.day))
        days[key] = merged(days.get(key, {}), row.told)
    write(connection, (added(connection, days),))
    columns = tuple_(table.eui, table.span_s, table.from_at_us)
    for some in groups([(row.eui, row.span_s, row.from_at_us) for row in rows]):
        connection.execute(delete(vitals).where(columns.in_(some)))
    return len(rows)
