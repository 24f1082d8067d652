"""Timers are rows, written in the transaction of what they belong to; any number of workers may claim them.

A claim marks timers fired in the transaction of their effects: a worker that is killed rolls both back, and
the next one fires them.  On PostgreSQL ``SKIP LOCKED`` lets workers share what is due, on SQLite the single
writer does.  So a timer fires once, and what it sends outside goes through the outbox, by key.

Sources: DESIGN §7.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fleet.tickets.tables import timers

CLAIM_LIMIT_ROWS = 2_000
"""Timers of one claim; the rest follows in the next cycle, one second later."""


NAMES = ("id", "key", "kind", "subject_id", "due_at_us", "detail")


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
    values["done_at_us"] = None
    dialect = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    statement = dialect(timers).values(key=key, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=values))


def armed(connection: Connection, key: str) -> bool:
    """Return whether a timer with that key waits."""
    mine = (timers.c.key == key) & timers.c.done_at_us.is_(None)
    return connection.execute(select(timers.c.id).where(mine)).first() is not None


def cancel(connection: Connection, *, subject_id: int, kinds: tuple[str, ...], now_us: int) -> None:
    """Disarm the timers of one subject."""
    mine = (timers.c.subject_id == subject_id) & timers.c.kind.in_(kinds) & timers.c.done_at_us.is_(None)
    connection.execute(update(timers).where(mine).values(done_at_us=now_us))


def claim(connection: Connection, *, now_us: int, limit: int = CLAIM_LIMIT_ROWS) -> tuple[Timer, ...]:
    """Take the timers that are due, oldest first; they are fired when the transaction commits."""
    due = (
        select(timers.c.id)
        .where(timers.c.done_at_us.is_(None), timers.c.due_at_us <= now_us)
        .order_by(timers.c.due_at_us, timers.c.id)
        .limit(limit)
    )
    if connection.dialect.name == "postgresql":
        due = due.with_for_update(skip_locked=True)
    taken = (
        update(timers)
        .where(timers.c.id.in_(due.scalar_subquery()))
        .values(done_at_us=now_us)
        .returning(*(timers.c[name] for name in NAMES))
    )
    rows = connection.execute(taken).mappings().all()
    found = [Timer(**row) for row in rows]
    return tuple(sorted(found, key=lambda timer: (timer.due_at_us, timer.id)))
