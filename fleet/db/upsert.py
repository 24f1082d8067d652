"""Insert rows that may be there already; the same statement on SQLite and PostgreSQL, many rows at a time."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, bindparam
from sqlalchemy.dialects import postgresql, sqlite


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert the rows whose key is not there yet and return how many they were; all name the same columns."""
    if not rows:
        return 0
    statement = _insert(connection, table, rows[0]).on_conflict_do_nothing()
    returning = statement.returning(next(iter(table.primary_key.columns)))
    return len(connection.execute(returning, [dict(row) for row in rows]).all())


def upsert(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    key: tuple[str, ...],
    bits: tuple[str, ...] = (),
) -> None:
    """Insert each row, or replace the columns that it names where its key exists; all name the same.

    Columns named in ``bits`` keep the bits that they have and get the row's beside them.
    """
    if not rows:
        return
    statement = _insert(connection, table, rows[0])
    changed: dict[str, Any] = {name: statement.excluded[name] for name in rows[0] if name not in key}
    changed |= {name: table.c[name].bitwise_or(statement.excluded[name]) for name in bits}
    settled = (
        statement.on_conflict_do_update(index_elements=key, set_=changed)
        if changed
        else statement.on_conflict_do_nothing()
    )
    connection.execute(settled, [dict(row) for row in rows])


def _insert(
    connection: Connection, table: Table, row: Mapping[str, Any]
) -> "postgresql.Insert | sqlite.Insert":
    kind = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return kind(table).values({name: bindparam(name) for name in row})
