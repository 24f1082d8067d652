"""Insert rows that may be there already; the same statement on SQLite and PostgreSQL, many rows at a time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, bindparam
from sqlalchemy.dialects import postgresql, sqlite


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one table, each inserted, or put over the one with its key; all name the same columns."""

    table: Table
    key: tuple[str, ...]
    rows: Sequence[Mapping[str, Any]]
    added: tuple[str, ...] = ()
    """Columns whose number is added to the one that is there."""
    bits: tuple[str, ...] = ()
    """Columns that keep the bits that they have and get the row's beside them."""
    kept: bool = False
    """A row that is there stays as it is."""


def write(connection: Connection, parts: Iterable[Rows]) -> None:
    """Write the rows of several tables, in that order, one statement for each."""
    for part in parts:
        if part.rows:
            statement = _insert(connection, part.table, part.rows[0])
            there, new = part.table.c, statement.excluded
            replaced = () if part.kept else (name for name in part.rows[0] if name not in part.key)
            changed: dict[str, Any] = {name: new[name] for name in replaced}
            changed |= {name: there[name] + new[name] for name in part.added}
            changed |= {name: there[name].bitwise_or(new[name]) for name in part.bits}
            settled = (
                statement.on_conflict_do_update(index_elements=part.key, set_=changed)
                if changed
                else statement.on_conflict_do_nothing()
            )
            connection.execute(settled, [dict(row) for row in part.rows])


def upsert(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, key: tuple[str, ...]
) -> None:
    """Insert each row, or replace the columns that it names where its key exists; all name the same."""
    write(connection, (Rows(table, key, rows),))


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert the rows whose key is not there yet and return how many they were; all name the same columns."""
    if not rows:
        return 0
    statement = _insert(connection, table, rows[0]).on_conflict_do_nothing()
    returning = statement.returning(next(iter(table.primary_key.columns)))
    return len(connection.execute(returning, [dict(row) for row in rows]).all())


def _insert(
    connection: Connection, table: Table, row: Mapping[str, Any]
) -> "postgresql.Insert | sqlite.Insert":
    kind = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return kind(table).values({name: bindparam(name) for name in row})
