"""Rows that only this program can have written: each carries a seal whose key is not in the database.

    a store writes  ─▶ with changing(connection, table, which): …  ─▶ seal = nonce.HMAC(key, nonce, columns)
    a store reads   ─▶ is_intact(connection, table, row)           ─▶ what is not intact counts for nothing

A table says in its ``info`` which columns are sealed (``sealed``).  A seal that was replaced is *spent*: the
row of before, written back, is not intact.  A database that was opened without keys (a child that reads
months), or whose folder has none yet (before ``seal_keys.found``), neither seals nor checks.

Sources: RFC 2104 (HMAC).
"""

import hmac
import json
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, and_, select, update

from fleet.db.base import metadata
from fleet.errors import InputRefused

INFO = "sealed"
OPTION = "passerelle_seals"
REPLACED = "passerelle_replaced"
"""Where a transaction keeps the nonces of the seals that it replaced, until it is committed."""
NONCE_BYTES = 8
SEAL_CHARACTERS = 2 * NONCE_BYTES + 1 + 64


class SealBroken(InputRefused):
    """A row that this program did not write as it stands; nothing is built on it."""

    def __init__(self, row: "BrokenRow") -> None:
        super().__init__(f"{row}: its seal is broken", key="refusal.seal", row=str(row))


class Ring(Protocol):
    """The keys of the seals, and the nonces of those that were replaced."""

    def sealing_keys(self) -> tuple[bytes, ...]:
        """Return the keys, the one that seals first; empty: nothing was ever sealed."""
        ...

    def is_spent(self, nonce: str) -> bool:
        """Return whether a seal was replaced by another."""
        ...

    def spend(self, nonces: Iterable[str]) -> None:
        """Note seals that were replaced."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What of a table is sealed."""

    columns: tuple[str, ...]
    named_by: tuple[str, ...]
    """The columns that name a row for people."""
    watched: bool = True
    """Looked at all the time; else when it is used, and when somebody asks for all: there are many."""


@dataclass(frozen=True, slots=True, order=True)
class BrokenRow:
    """A row whose seal does not fit."""

    table: str
    name: str

    def __str__(self) -> str:
        return f"{self.table} {self.name}"


def sealed(*columns: str, named_by: tuple[str, ...], watched: bool = True) -> dict[str, Any]:
    """Return the ``info`` of a table with these sealed columns; it needs a column ``seal``."""
    return {INFO: Sealed(columns=columns, named_by=named_by, watched=watched)}


def sealed_tables() -> list[Table]:
    """Return every table with seals, by name."""
    return sorted((one for one in metadata.tables.values() if INFO in one.info), key=lambda one: one.name)


def seal(key: bytes, *parts: object) -> str:
    """Return the seal over some values: every one counts, and where one ends and the next begins.

    >>> seal(b"k", "a", "b") == seal(b"k", "ab", "")
    False
    """
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hmac.new(key, text.encode(), sha256).hexdigest()


def row_seal(key: bytes, table: Table, row: RowMapping, nonce: str) -> str:
    """Return the seal that a row must carry."""
    columns: Sealed = table.info[INFO]
    return f"{nonce}.{seal(key, 'row', table.name, nonce, *(row[name] for name in columns.columns))}"


def ring_of(connection: Connection) -> Ring | None:
    """Return the keys that the database was opened with; None: there are none, or nothing was sealed yet."""
    found: Ring | None = connection.get_execution_options().get(OPTION)
    return found if found is not None and found.sealing_keys() else None


def is_intact(connection: Connection, table: Table, row: RowMapping) -> bool:
    """Return whether this program wrote a row as it stands; it holds the sealed columns and the seal."""
    ring = ring_of(connection)
    if ring is None:
        return True
    nonce = row["seal"].partition(".")[0]
    fits = any(
        hmac.compare_digest(row_seal(key, table, row, nonce).encode(), row["seal"].encode())
        for key in ring.sealing_keys()
    )
    return fits and not ring.is_spent(nonce)


def check_intact(connection: Connection, table: Table, which: ColumnElement[bool]) -> None:
    """Return if every row is as this program wrote it.

    Raises:
        SealBroken: one is not.
    """
    for row in _rows(connection, table, which):
        if not is_intact(connection, table, row):
            raise SealBroken(name_of(table, row))


@contextmanager
def changing(
    connection: Connection, table: Table, which: ColumnElement[bool], *, whole: bool = False
) -> Iterator[None]:
    """Seal what the body changes in the rows of ``which``, or adds to them.

    ``whole``: the body writes every sealed column, so that it does not matter what was there.

    Raises:
        SealBroken: a row is not as this program wrote it; changing a part would vouch for the rest.
    """
    if ring_of(connection) is None:
        yield
        return
    if not whole:
        check_intact(connection, table, which)
    yield
    seal_rows(connection, table, which)


def seal_rows(connection: Connection, table: Table, which: ColumnElement[bool]) -> None:
    """Seal rows that this program has just added."""
    if ring_of(connection) is not None:
        for row in _rows(connection, table, which):
            reseal(connection, table, row)


@contextmanager
def taking_away(connection: Connection, table: Table, which: ColumnElement[bool]) -> Iterator[None]:
    """Seal what the body changes in intact rows; a broken one is changed too, and stays broken."""
    rows = _rows(connection, table, which)
    if all(is_intact(connection, table, row) for row in rows):
        with changing(connection, table, which):
            yield
        return
    yield


def reseal(connection: Connection, table: Table, row: RowMapping) -> None:
    """Seal one row as it stands; its seal of before is spent with the commit."""
    ring = ring_of(connection)
    if ring is None:
        return
    fresh = row_seal(ring.sealing_keys()[0], table, row, secrets.token_hex(NONCE_BYTES))
    mine = and_(*(column == row[column.name] for column in table.primary_key.columns))
    connection.execute(update(table).where(mine).values(seal=fresh))
    if row["seal"]:
        connection.info.setdefault(REPLACED, []).append(row["seal"].partition(".")[0])


def broken_rows(connection: Connection, *, watched_alone: bool = False) -> list[BrokenRow]:
    """Return every row whose seal does not fit; ``watched_alone``: of the tables that are always watched."""
    return [
        name_of(table, row)
        for table in sealed_tables()
        if table.info[INFO].watched or not watched_alone
        for row in _rows(connection, table)
        if not is_intact(connection, table, row)
    ]


def broken_row(connection: Connection, wanted: BrokenRow) -> tuple[Table, RowMapping] | None:
    """Return the row of that name if its seal does not fit."""
    for table in sealed_tables():
        if table.name == wanted.table:
            for row in _rows(connection, table):
                if name_of(table, row) == wanted and not is_intact(connection, table, row):
                    return table, row
    return None


def seal_every_row(connection: Connection, tables: Iterable[Table], *, intact_alone: bool) -> int:
    """Seal the rows of tables anew and return how many; ``intact_alone``: those whose seal fits."""
    count = 0
    for table in tables:
        for row in _rows(connection, table):
            if not intact_alone or is_intact(connection, table, row):
                reseal(connection, table, row)
                count += 1
    return count


def name_of(table: Table, row: RowMapping) -> BrokenRow:
    """Return how people call a row."""
    columns: Sealed = table.info[INFO]
    return BrokenRow(str(table.name), " ".join(str(row[name]) for name in columns.named_by))


def _rows(connection: Connection, table: Table, which: ColumnElement[bool] | None = None) -> list[RowMapping]:
    columns: Sealed = table.info[INFO]
    names = {*columns.columns, *columns.named_by, *(each.name for each in table.primary_key.columns), "seal"}
    query = select(*(table.c[name] for name in sorted(names)))
    return list(connection.execute(query if which is None else query.where(which)).mappings())
