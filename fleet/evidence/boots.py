"""Which boots of each gateway can decide timelines from an instant on, found in the store.

The pure rule is ``fleet.availability.relevance``; here is a set of boots that surely holds what it keeps,
found by indexes: boots that were heard or spoken of since, whole; those that overlap them; twice the one that
ended before; and whatever a start names as the boot before it.  Of boots that began after the window, the
next two and those that name one of the others are enough: a month of a year ago costs what a month costs.
A *floor* is the instant from which on a gateway's facts are wanted; every boot found lowers it to its own
start, until nothing more is found.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import msgspec
from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    String,
    case,
    column,
    func,
    select,
    text,
    tuple_,
)

from fleet.evidence.coherence import INSTANT_LIMIT_US, UPTIME_LIMIT_MS
from fleet.evidence.tables import heartbeat_runs, journal_records, latest

AT_ONCE = 500
"""Gateways or boots in one query: 1,000 parameters of the 32,766 of SQLite (sqlite.org/limits.html)."""
GENERATIONS = 2
"""Boots before those that were heard: the first may have been dead in the window, the second says how the
first began."""

FLOORS = {
    "sqlite": "SELECT value ->> 0 AS eui, value ->> 1 AS at_us FROM json_each(:floors)",
    "postgresql": "SELECT one ->> 0 AS eui, cast(one ->> 1 AS bigint) AS at_us"
    " FROM json_array_elements(cast(:floors AS json)) AS one",
}
BOOTS = {
    "sqlite": "SELECT value ->> 0 AS eui, value ->> 1 AS boot, value ->> 2 AS at_us FROM json_each(:boots)",
    "postgresql": "SELECT one ->> 0 AS eui, cast(one ->> 1 AS bigint) AS boot,"
    " cast(one ->> 2 AS bigint) AS at_us FROM json_array_elements(cast(:boots AS json)) AS one",
}
Key: TypeAlias = tuple[str, int]
"""EUI and boot."""
Item = TypeVar("Item")


@dataclass(slots=True)
class Wanted:
    """What to load of some gateways."""

    floors: dict[str, int]
    boots: dict[Key, int | None] = field(default_factory=dict)
    """With the start of each; None: never heard live."""
    until_us: int = INSTANT_LIMIT_US
    """End of the window that is to be decided."""


def heard_gateways(connection: Connection) -> list[str]:
    """Return every gateway that ever said something, sorted."""
    return sorted(connection.scalars(select(latest.c.eui)))


def count_facts(connection: Connection, boots: Iterable[Key]) -> dict[Key, int]:
    """Return how many runs and records of each boot are stored."""
    found: dict[Key, int] = {}
    for table in (heartbeat_runs, journal_records):
        key = (table.c.eui, table.c.boot)
        for some in groups(sorted(boots)):
            query = select(*key, func.count()).where(tuple_(*key).in_(some)).group_by(*key)
            for eui, boot, count in connection.execute(query):
                found[eui, boot] = found.get((eui, boot), 0) + count
    return found


def deciding_boots(
    connection: Connection, from_us: int, until_us: int, euis: Iterable[str]
) -> Iterator[Wanted]:
    """Return what can decide timelines between two instants, some gateways at a time."""
    for some in groups(sorted(set(euis))):
        wanted = Wanted(dict.fromkeys(some, from_us), until_us=until_us)
        _close(connection, wanted, some)
        for _ in range(GENERATIONS):
            before = _ended_before(connection, wanted) + _named(connection, wanted)
            lowered = {eui for eui, at_us in before if _lower(wanted, eui, at_us)}
            _close(connection, wanted, sorted(lowered))
        wanted.boots |= _naming(connection, wanted)
        yield wanted


def floors_of(connection: Connection, floors: Mapping[str, int]) -> CTE:
    """Return floors as a table to join with: one parameter, so that the statement is compiled once."""
    rows = text(FLOORS[connection.dialect.name]).columns(column("eui", String), column("at_us", BigInteger))
    return rows.bindparams(floors=msgspec.json.encode(list(floors.items())).decode()).cte("floors")


def boots_of(connection: Connection, wanted: Wanted, margin_us: int) -> CTE:
    """Return boots as a table to join with, each with the instant from which on its facts are wanted."""
    columns = (column("eui", String), column("boot", BigInteger), column("at_us", BigInteger))
    rows = text(BOOTS[connection.dialect.name]).columns(*columns)
    boots = [(eui, boot, wanted.floors[eui] - margin_us) for eui, boot in wanted.boots]
    return rows.bindparams(boots=msgspec.json.encode(boots).decode()).cte("boots")


def groups(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Return what fits into one query at a time."""
    return (items[at : at + AT_ONCE] for at in range(0, len(items), AT_ONCE))


def _close(connection: Connection, wanted: Wanted, euis: Sequence[str]) -> None:
    """Take every boot above the floors, and lower them to its start, until all stands."""
    open_ = euis
    while open_:
        floor = floors_of(connection, {eui: wanted.floors[eui] for eui in open_})
        runs, records = heartbeat_runs.c, journal_records.c
        start = func.min(_start_us())
        heard = select(runs.eui, runs.boot, start).join(floor, floor.c.eui == runs.eui)
        found = _starts(connection, heard.where(runs.last_at_us >= floor.c.at_us))
        told = select(records.eui, records.boot).join(floor, floor.c.eui == records.eui).distinct()
        rows = connection.execute(told.where(records.recorded_at_us >= floor.c.at_us))
        silent = {(eui, boot) for eui, boot in rows} - found.keys() - wanted.boots.keys()
        found |= dict.fromkeys(silent) | _starts_of(connection, silent)
        found = _without_later(found, wanted.until_us)
        wanted.boots |= found
        open_ = sorted(
            {key[0] for key, at_us in found.items() if at_us is not None and _lower(wanted, key[0], at_us)}
        )


def _without_later(found: Mapping[Key, int | None], until_us: int) -> dict[Key, int | None]:
    """Leave out the boots that began after the window, but for the first ``GENERATIONS`` of each gateway."""
    later: dict[str, list[int]] = {}
    for (eui, _), start_us in found.items():
        if start_us is not None and start_us > until_us:
            later.setdefault(eui, []).append(start_us)
    last_us = {eui: sorted(starts)[:GENERATIONS][-1] for eui, starts in later.items()}
    return {
        key: start_us
        for key, start_us in found.items()
        if start_us is None or start_us <= max(until_us, last_us.get(key[0], 0))
    }


def _naming(connection: Connection, wanted: Wanted) -> dict[Key, int | None]:
    """Return the boots that name one of those as the boot before them."""
    records = journal_records.c
    query = select(records.eui, records.boot, records.previous_boot).where(records.previous_boot.is_not(None))
    found = {
        (eui, boot)
        for eui, boot, previous in connection.execute(query.where(records.eui.in_(list(wanted.floors))))
        if (eui, previous) in wanted.boots
    }
    new = found - wanted.boots.keys()
    return dict.fromkeys(new) | _starts_of(connection, new)


def _lower(wanted: Wanted, eui: str, at_us: int) -> bool:
    if at_us >= wanted.floors[eui]:
        return False
    wanted.floors[eui] = at_us
    return True


def _start_us() -> ColumnElement[int]:
    """Return when the boot of a run began; of a row that proves nothing (``coherence``) no number counts."""
    runs = heartbeat_runs.c
    plain = runs.first_uptime_ms.between(0, UPTIME_LIMIT_MS) & runs.first_at_us.between(0, INSTANT_LIMIT_US)
    return case((plain, runs.first_at_us - runs.first_uptime_ms * 1000), else_=INSTANT_LIMIT_US)


def _starts(connection: Connection, query: Select[Any]) -> dict[Key, int | None]:
    columns = heartbeat_runs.c
    rows = connection.execute(query.group_by(columns.eui, columns.boot))
    return {(eui, boot): start_us for eui, boot, start_us in rows}


def _starts_of(connection: Connection, boots: Iterable[Key]) -> dict[Key, int | None]:
    """Return the starts of those boots that were ever heard live."""
    runs = heartbeat_runs.c
    query = select(runs.eui, runs.boot, func.min(_start_us()))
    found: dict[Key, int | None] = {}
    for some in groups(sorted(boots)):
        found |= _starts(connection, query.where(tuple_(runs.eui, runs.boot).in_(some)))
    return found


def _ended_before(connection: Connection, wanted: Wanted) -> list[tuple[str, int]]:
    """Return the last instant before its floor at which each gateway was heard."""
    floor = floors_of(connection, wanted.floors)
    runs = heartbeat_runs.c
    newest = select(func.max(runs.last_at_us)).where(runs.eui == floor.c.eui, runs.last_at_us < floor.c.at_us)
    rows = connection.execute(select(floor.c.eui, newest.scalar_subquery()))
    return [(eui, at_us) for eui, at_us in rows if at_us is not None]


def _named(connection: Connection, wanted: Wanted) -> list[tuple[str, int]]:
    """Return the starts of boots that a start names as the one before it."""
    records = journal_records.c
    query = select(records.eui, records.previous_boot).where(records.previous_boot.is_not(None)).distinct()
    named: set[Key] = set()
    for some in groups(sorted(wanted.boots)):
        rows = connection.execute(query.where(tuple_(records.eui, records.boot).in_(some)))
        named |= {(eui, boot) for eui, boot in rows}
    starts = _starts_of(connection, named - wanted.boots.keys())
    return [(eui, at_us) for (eui, _), at_us in starts.items() if at_us is not None]
