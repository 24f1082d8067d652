"""The rows of a whole database, out and in again, a chunk at a time; the same on SQLite and PostgreSQL.

What is read and written follows the tables that the database has, not those of the code: an archive of an
older release is filled in at its own revision, then migrated.  JSON goes as the text that the database holds,
so that nothing is interpreted on the way.

Sources: PostgreSQL "Transaction Isolation" (REPEATABLE READ is one snapshot), "CREATE SEQUENCE" (``setval``);
sqlite.org/wal.html (a read transaction sees one state, writers go on).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import JSON, Connection, MetaData, Table, Text, bindparam, cast, func, insert, select, text

from fleet.db.connect import Database

CHUNK_BYTES = 4 * 1024 * 1024
"""One chunk in memory; a row that is larger makes a chunk of its own."""
FETCH_ROWS = 16
"""Read at once: rows of ``month_versions`` may have megabytes."""
REVISIONS = "alembic_version"
"""Alembic's own table; the archive says the revision itself."""


class Chunk(msgspec.Struct, frozen=True, array_like=True):
    """Some rows of one table, in the order of its columns."""

    table: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


@contextmanager
def snapshot(database: Database) -> Iterator[Connection]:
    """Give one state of the database, however long it is read; writers go on."""
    if database.dialect == "sqlite":
        with database.read() as connection:
            yield connection
        return
    isolated = database.engine.execution_options(isolation_level="REPEATABLE READ")
    with isolated.begin() as connection:
        yield connection


def chunks(connection: Connection) -> Iterator[Chunk]:
    """Yield every row of every table; a table comes after those that its rows refer to."""
    for table in _tables(connection):
        columns = tuple(str(column.name) for column in table.columns)
        query = select(*(cast(each, Text) if _is_json(each) else each for each in table.columns))
        found = connection.execute(query.execution_options(yield_per=FETCH_ROWS))
        rows: list[tuple[Any, ...]] = []
        held_bytes = 0
        for row in found:
            rows.append(tuple(row))
            held_bytes += _bytes(rows[-1])
            if held_bytes >= CHUNK_BYTES:
                yield Chunk(str(table.name), columns, rows)
                rows, held_bytes = [], 0
        yield Chunk(str(table.name), columns, rows)


def fill(connection: Connection, chunk: Chunk, tables: Mapping[str, Table]) -> None:
    """Insert the rows of a chunk.

    Raises:
        ValueError: a table or a column that the schema of the archive's revision does not have.
    """
    table = tables.get(chunk.table)
    if table is None or not set(chunk.columns) <= set(table.columns.keys()):
        raise ValueError(f"archive: table {chunk.table} does not fit the schema that the archive names")
    if not chunk.rows:
        return
    values: dict[str, Any] = {name: bindparam(name) for name in chunk.columns}
    if connection.dialect.name == "postgresql":
        values |= {
            name: cast(bindparam(name, type_=Text), JSON) for name in chunk.columns if _is_json(table.c[name])
        }
    connection.execute(
        insert(table).values(values), [dict(zip(chunk.columns, row, strict=True)) for row in chunk.rows]
    )


def tables_to_fill(connection: Connection) -> dict[str, Table]:
    """Return the tables by name; on SQLite, JSON columns take the text as it is."""
    found = {table.name: table for table in _tables(connection)}
    if connection.dialect.name == "sqlite":
        for table in found.values():
            for column in table.columns:
                if _is_json(column):
                    column.type = Text()
    return found


def continue_numbering(connection: Connection, tables: Sequence[Table]) -> None:
    """Let PostgreSQL number new rows after those that were filled in; SQLite does by itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables:
        for column in table.primary_key.columns:
            name = {"t": f'"{table.name}"', "c": column.name}
            sequence = connection.scalar(text("SELECT pg_get_serial_sequence(:t, :c)"), name)
            if sequence is not None:
                newest = connection.scalar(select(func.max(column)))
                connection.execute(
                    text("SELECT setval(:s, :v, :used)"),
                    {"s": sequence, "v": newest or 1, "used": newest is not None},
                )


def _tables(connection: Connection) -> list[Table]:
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != REVISIONS]


def _is_json(column: Any) -> bool:
    return isinstance(column.type, JSON)


def _bytes(row: tuple[Any, ...]) -> int:
    return sum(len(value) if isinstance(value, str | bytes) else 8 for value in row)
