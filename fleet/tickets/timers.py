"""Timers are rows, written in the transaction of what they belong to; any number of workers may claim them.

A claim takes a lease: on PostgreSQL rows are locked with ``SKIP LOCKED`` while they are leased, on SQLite
the single writer does the same by ``UPDATE … RETURNING``.  A worker that dies leaves a lease that runs out,
and the timer fires again: at least once, with ``key`` to make the effect idempotent.

Sources: DESIGN §7.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fleet.tickets.tables import timers

LEASE_US = 60_000_000
"""How long a claimed timer belongs to its worker; firing one takes milliseconds."""

CLAIM_LIMIT_ROWS = 2_000
"""Timers of one claim; the rest follows in the next cycle, one second later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """One claimed timer."""

    id: int
    key: str
    kind: str
    subject_id: int
    due_at_us: int
    detail: dict[str, Any]


def plan(
    connection: Connection,
    *,
    key: str,
    kind: str,
    subject_id: int,
    due_at_us: int,
    detail: dict[str, Any] | None = None,
) -> None:
    """Set a timer; the same key set twice moves it and arms it again."""
    values = {"kind": kind, "subject_id": subject_id, "due_at_us": due_at_us, "detail": detail or {}}
    values |= {"leased_by": "", "leased_until_us": 0, "done_at_us": None}
    dialect = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    statement = dialect(timers).values(key=key, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=values))


def cancel(connection: Connection, *, subject_id: int, kinds: tuple[str, ...], now_us: int) -> None:
    """Disarm the timers of one subject."""
    mine = (timers.c.subject_id == subject_id) & timers.c.kind.in_(kinds) & timers.c.done_at_us.is_(None)
    connection.execute(update(timers).where(mine).values(done_at_us=now_us))


def claim(
    connection: Connection, *, worker: str, now_us: int, limit: int = CLAIM_LIMIT_ROWS
) -> tuple[Timer, ...]:
    """Lease the timers that are due, oldest first."""
    due = (
        select(timers.c.id)
        .where(
            timers.c.done_at_us.is_(None), timers.c.due_at_us <= now_us, timers.c.leased_until_us <= now_us
        )
        .order_by(timers.c.due_at_us, timers.c.id)
        .limit(limit)
    )
    if connection.dialect.name == "postgresql":
        due = due.with_for_update(skip_locked=True)
    leased = (
        update(timers)
        .where(timers.c.id.in_(due.scalar_subquery()))
        .values(leased_by=worker, leased_until_us=now_us + LEASE_US)
        .returning(timers)
    )
    rows = connection.execute(leased).mappings().all()
    names = ("id", "key", "kind", "subject_id", "due_at_us", "detail")
    found = [Timer(**{name: row[name] for name in names}) for row in rows]
    return tuple(sorted(found, key=lambda timer: (timer.due_at_us, timer.id)))


def done(connection: Connection, timer_ids: list[int], now_us: int) -> None:
    """Mark timers fired, in the transaction of their effects."""
    if timer_ids:
        connection.execute(update(timers).where(timers.c.id.in_(timer_ids)).values(done_at_us=now_us))
