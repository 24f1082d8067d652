"""Spare parts: what lies in which depot, what tickets took, what must be ordered.

    field report « 2 × batterie 12 V » at depot Tours  ──▶  a move of -2, once, however often it is sent
    a report that is written again                     ──▶  the difference
    a part that no depot knows                         ──▶  stays in the report, counted as unknown

The stock is the sum of its moves.  It may fall below zero: then the count on paper was wrong, and says so.

Sources: DESIGN §7 (NOC: spare parts).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection, func, insert, select, update

from fleet.lang.text import collation
from fleet.tickets import timers
from fleet.tickets.tables import part_moves, spare_parts

LOW = "stock"
"""Kind of the timer that tells of a stock that is low; its subject is the part."""

COUNT_LIMIT = 10_000
"""The most of one part in one line; more is a slip of the keyboard, no delivery, and is refused."""

NAME_LIMIT_CHARACTERS = 120
_COUNTED = re.compile(r"(?:(\d{1,5})\s*[x×*]\s*)?(.*?)(?:\s+[x×*]\s*(\d{1,5}))?", re.IGNORECASE | re.DOTALL)


class PartRefused(ValueError):
    """A part that cannot be written; names the field and what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """One part in one depot."""

    id: int
    depot: str
    name: str
    count: int
    low_limit: int

    @property
    def low(self) -> bool:
        """Whether somebody must order."""
        return self.count < self.low_limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a field report took: stock that is low now, and parts that no depot knows."""

    low: tuple[Stock, ...] = ()
    unknown: tuple[str, ...] = ()


def counted(text: str) -> tuple[int, str]:
    """Return how many of what a line of a report names.

    >>> counted("2 × batterie 12 V"), counted("antenne x3"), counted(" câble N ")
    ((2, 'batterie 12 V'), (3, 'antenne'), (1, 'câble N'))
    """
    match = _COUNTED.fullmatch(text.strip())
    if match is None or not match[2]:
        return 1, text.strip()
    return int(match[1] or match[3] or 1), match[2].strip()


def wanted(parts: Iterable[str]) -> dict[str, int]:
    """Return how many of each part a report names, by its name without regard to case."""
    found: dict[str, int] = {}
    for text in parts:
        count, name = counted(text)
        if name:
            found[name.casefold()] = found.get(name.casefold(), 0) + count
    return found


def stock(connection: Connection, depot: str = "") -> tuple[Stock, ...]:
    """Return what lies where, by depot and name; those of one depot if it is named."""
    count = func.coalesce(func.sum(part_moves.c.change), 0).label("count")
    query = select(spare_parts, count).outerjoin(part_moves, part_moves.c.part_id == spare_parts.c.id)
    if depot:
        query = query.where(spare_parts.c.depot == depot)
    query = query.group_by(spare_parts.c.id)
    found = [
        Stock(id=row.id, depot=row.depot, name=row.name, count=int(row[-1]), low_limit=row.low_limit)
        for row in connection.execute(query)
    ]
    return tuple(sorted(found, key=lambda one: (collation(one.depot), collation(one.name))))


def receive(
    connection: Connection,
    *,
    depot: str,
    name: str,
    change: int,
    who: str,
    now_us: int,
    low_limit: int | None = None,
    note: str = "",
) -> Stock:
    """Add to a depot (or take away, with a negative change); a part that is new to it is listed.

    Raises:
        PartRefused: no depot, no name, or a change of nothing or of too many.
    """
    depot, name = " ".join(depot.split()), " ".join(name.split())
    if not depot or not name or len(name) > NAME_LIMIT_CHARACTERS:
        raise PartRefused("depot, name: write where it lies and what it is")
    if abs(change) > COUNT_LIMIT or (change == 0 and low_limit is None):
        raise PartRefused(f"change: write how many came, from -{COUNT_LIMIT} to {COUNT_LIMIT}, not 0")
    known = next((one for one in stock(connection, depot) if one.name.casefold() == name.casefold()), None)
    if known is None:
        values = {"depot": depot, "name": name, "low_limit": low_limit or 0}
        statement = insert(spare_parts).values(**values).returning(spare_parts.c.id)
        number = int(connection.execute(statement).scalar_one())
    else:
        number = known.id
        if low_limit is not None:
            mine = spare_parts.c.id == number
            connection.execute(update(spare_parts).where(mine).values(low_limit=low_limit))
    if change:
        _move(connection, number, change, who=who, now_us=now_us, note=note)
    return next(one for one in stock(connection, depot) if one.id == number)


def consume(
    connection: Connection, *, ticket_id: int, depot: str, parts: Iterable[str], who: str, now_us: int
) -> Taken:
    """Take what a field report names from its depot, once; return what somebody must know of.

    Without a depot a part is taken where alone it is known.
    """
    asked, listed = wanted(parts), stock(connection)
    present = {name: _where(listed, depot, name) for name in asked}
    before = _taken(connection, ticket_id)
    sought = {one.id: asked[name] for name, one in present.items() if one is not None}
    low: list[Stock] = []
    for one in listed:
        change = before.get(one.id, 0) - sought.get(one.id, 0)
        if change:
            _move(connection, one.id, change, who=who, now_us=now_us, ticket_id=ticket_id)
            low += _fallen(one, replace(one, count=one.count + change))
    for one in low:
        timers.plan(connection, key=f"{LOW}/{one.id}", kind=LOW, subject_id=one.id, due_at_us=now_us)
    return Taken(low=tuple(low), unknown=tuple(name for name, one in present.items() if one is None))


def _fallen(before: Stock, after: Stock) -> list[Stock]:
    """Return the stock if it has just become low, or is less than nothing."""
    crossed = after.low and not before.low
    return [after] if crossed or after.count < min(0, before.count) else []


def _where(listed: tuple[Stock, ...], depot: str, name: str) -> Stock | None:
    found = [one for one in listed if one.name.casefold() == name and (not depot or one.depot == depot)]
    return found[0] if len(found) == 1 else None


def _taken(connection: Connection, ticket_id: int) -> Mapping[int, int]:
    """Return how many of each part a ticket holds already."""
    query = select(part_moves.c.part_id, func.sum(part_moves.c.change)).group_by(part_moves.c.part_id)
    rows = connection.execute(query.where(part_moves.c.ticket_id == ticket_id))
    return {part_id: -int(change) for part_id, change in rows}


def _move(
    connection: Connection,
    part_id: int,
    change: int,
    *,
    who: str,
    now_us: int,
    ticket_id: int | None = None,
    note: str = "",
) -> None:
    values = {"part_id": part_id, "change": change, "ticket_id": ticket_id, "who": who, "note": note}
    connection.execute(insert(part_moves).values(**values, at_us=now_us))
