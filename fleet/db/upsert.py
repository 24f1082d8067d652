"""Insert rows that may be there already; the same statement on SQLite and PostgreSQL."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

ROWS_PER_STATEMENT = 400
"""SQLite binds 32,766 values in a statement (sqlite.org/limits.html); our widest table has 22 columns."""


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert the rows whose key is not there yet and return how many they were."""
    inserted = 0
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        part = list(rows[start : start + ROWS_PER_STATEMENT])
        statement = _insert(connection, table).values(part).on_conflict_do_nothing()
        inserted += connection.execute(statement).rowcount
    return inserted


def upsert(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, key: tuple[str, ...]
) -> None:
    """Insert each row, or replace the columns that it names where its key exists; all rows name the same."""
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        part = list(rows[start : start + ROWS_PER_STATEMENT])
        statement = _insert(connection, table).values(part)
        changed = {name: statement.excluded[name] for name in part[0] if name not in key}
        if changed:
            connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changed))
        else:
            connection.execute(statement.on_conflict_do_nothing())


def _insert(connection: Connection, table: Table) -> "postgresql.Insert | sqlite.Insert":
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
