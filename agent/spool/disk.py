"""The spool's file: SQLite in WAL mode, every commit synchronised, every record with its CRC.

Sources: sqlite.org/wal.html (a torn WAL frame ends the log at the last commit) and
sqlite.org/pragma.html#pragma_synchronous (FULL: the WAL is synchronised at each commit; NORMAL would
lose commits with the power).
"""

import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from agent.durable import sync_folder
from agent.failures import reason_of
from agent.record import Record, RecordError, decode_record, encode_record
from agent.spool.ports import (
    CONNECTORS_LIMIT,
    Changed,
    Cleared,
    SpoolCollision,
    SpoolCorrupted,
    SpoolEntry,
    SpoolForeign,
    SpoolUnwritable,
    Waiting,
)
from agent.wire import reasons

ROW_OVERHEAD_BYTES = 32
"""Rowid, header, address, waiting, instant and CRC beside the body; estimate for the bound by bytes."""
CACHE_KIB = 512
WAL_CHECKPOINT_PAGES = 1024
PAGE_BYTES = 1024
"""The smallest that holds any record: a commit of one frame writes one page and 24 bytes."""
SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS frame (
  id INTEGER PRIMARY KEY, address INTEGER NOT NULL, kind INTEGER NOT NULL, waiting INTEGER NOT NULL,
  crc INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS connector (bit INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS owner (eui TEXT NOT NULL);
"""
_TABLES = frozenset({"frame", "connector", "counter", "owner"})


class SpoolDisk:
    """``agent.spool.ports.Disk`` over SQLite; ``owner`` is the gateway whose frames these are, if known.

    A file that needs no change is opened without a write: a disk that is full or read-only still gives
    what it holds.
    """

    def __init__(self, path: Path, *, owner: str = "") -> None:
        self.read_only = path.exists() and not os.access(path, os.W_OK)
        self._db = _open(path, owner)
        self.records, self.bytes = self._size()

    def close(self) -> None:
        """Close the file; commits are already there."""
        with _translated():
            self._db.close()

    def limit_pages(self, pages: int) -> int:
        """Let the file grow to so many pages, or to what it holds; return that limit."""
        with _translated():
            return int(self._db.execute(f"PRAGMA max_page_count = {int(pages)}").fetchone()[0])

    def bit_of(self, name: str) -> int:
        """Return the bit that stands for a connector, a new one when it is unknown."""
        with _translated():
            row = self._db.execute("SELECT bit FROM connector WHERE name = ?", (name,)).fetchone()
        if row:
            return int(row[0])
        with _translated(), self._db:
            taken = {int(bit) for (bit,) in self._db.execute("SELECT bit FROM connector")}
            free = next((bit for bit in range(CONNECTORS_LIMIT) if bit not in taken), None)
            if free is None:
                raise SpoolUnwritable(reasons.spool.names_full(limit_names=CONNECTORS_LIMIT))
            self._db.execute("INSERT INTO connector VALUES (?, ?)", (free, name))
            return free

    def adopt(self, bits: Mapping[str, int]) -> None:
        """Give a new file the bits of the connectors that another file knows."""
        with _translated(), self._db:
            self._db.executemany("INSERT INTO connector VALUES (?, ?)", [(b, n) for n, b in bits.items()])

    def owner(self) -> str:
        """Return the gateway whose frames these are; empty while nobody said."""
        with _translated():
            return _owner(self._db)

    def retire(self, keep: Sequence[str]) -> int:
        """Forget the connectors that are not in ``keep`` and what waited for them only; return how many."""
        with _translated():
            known = self._db.execute("SELECT bit, name FROM connector").fetchall()
        gone = [bit for bit, name in known if name not in keep]
        if not gone:
            return 0
        with _translated(), self._db:
            for bit in gone:
                self._db.execute("UPDATE frame SET waiting = waiting & ~(1 << ?)", (bit,))
                self._db.execute("DELETE FROM connector WHERE bit = ?", (bit,))
            retired = self._db.execute("DELETE FROM frame WHERE waiting = 0").rowcount
        self.records, self.bytes = self._size() if retired else (self.records, self.bytes)
        return retired

    def commit(self, written: Iterable[tuple[Record, int]], settled: Iterable[Cleared]) -> Changed:
        """Write records with who waits for them, and take bits off others, all in one transaction.

        ``settled`` holds (record id, mask of connectors that are done with it).
        """
        rows = [(record.id, record.address, record.kind, mask, *_stored(record)) for record, mask in written]
        cleared: list[Cleared] = []
        gone: list[int] = []
        unknown = 0
        with _translated(), self._db:
            query = "INSERT INTO frame VALUES (?, ?, ?, ?, ?, ?)"
            inserted = self._db.executemany(query, rows).rowcount if rows else 0
            for record_id, mask in settled:
                row = self._db.execute(
                    "SELECT waiting, length(body) FROM frame WHERE id = ?", (record_id,)
                ).fetchone()
                if row is None:
                    unknown += 1
                    continue
                cleared.append((record_id, row[0] & mask))
                if row[0] & ~mask:
                    self._db.execute(
                        "UPDATE frame SET waiting = waiting & ~? WHERE id = ?", (mask, record_id)
                    )
                else:
                    self._db.execute("DELETE FROM frame WHERE id = ?", (record_id,))
                    gone.append(int(row[1]) + ROW_OVERHEAD_BYTES)
        self.records += inserted - len(gone)
        self.bytes += sum(len(row[5]) + ROW_OVERHEAD_BYTES for row in rows) - sum(gone)
        return Changed(written=inserted, cleared=tuple(cleared), deleted=len(gone), unknown=unknown)

    def read(self, ids: Sequence[int]) -> tuple[list[Record], list[int]]:
        """Return the records of ``ids`` that are there and whole, and the ids of those that are damaged."""
        marks = ",".join("?" * len(ids))
        records, damaged = [], []
        with _translated():
            query = f"SELECT id, crc, body FROM frame WHERE id IN ({marks}) ORDER BY id"  # noqa: S608  # marks only
            for record_id, crc, body in self._db.execute(query, tuple(ids)):
                try:
                    records.append(decode_record(body, crc))
                except RecordError:
                    damaged.append(record_id)
        return records, damaged

    def waiting(self, *, after: int, count: int) -> list[Waiting]:
        """Return the entries of at most ``count`` stored records with ids above ``after``, oldest first."""
        with _translated():
            query = "SELECT id, address, kind, waiting FROM frame WHERE id > ? ORDER BY id LIMIT ?"
            return self._db.execute(query, (after, count)).fetchall()

    def remove(self, ids: Sequence[int]) -> tuple[Cleared, ...]:
        """Remove records whoever waits for them; return those that were there."""
        query = "DELETE FROM frame WHERE id = ? RETURNING id, waiting, length(body)"
        with _translated(), self._db:
            gone = [row for record_id in ids for row in self._db.execute(query, (record_id,)).fetchall()]
        self.records -= len(gone)
        self.bytes -= sum(size + ROW_OVERHEAD_BYTES for _, _, size in gone)
        return tuple((record_id, waiting) for record_id, waiting, _ in gone)

    def oldest(self, count: int) -> list[SpoolEntry]:
        """Return (record or None when damaged, id, address, who waits) of the ``count`` oldest records."""
        found: list[SpoolEntry] = []
        with _translated():
            query = "SELECT id, address, waiting, crc, body FROM frame ORDER BY id LIMIT ?"
            for record_id, address, waiting, crc, body in self._db.execute(query, (count,)):
                try:
                    record = decode_record(body, crc)
                except RecordError:
                    record = None
                found.append((record, record_id, address, waiting))
        return found

    def _size(self) -> tuple[int, int]:
        with _translated():
            query = "SELECT count(*), coalesce(sum(length(body)), 0) FROM frame"
            count, size = self._db.execute(query).fetchone()
        return int(count), int(size) + ROW_OVERHEAD_BYTES * int(count)

    def last_id(self) -> int:
        """Return the highest id ever reserved."""
        with _translated():
            row = self._db.execute("SELECT value FROM counter WHERE name = 'last_id'").fetchone()
            top = self._db.execute("SELECT coalesce(max(id), 0) FROM frame").fetchone()
        return max(int(row[0]) if row else 0, int(top[0]))

    def reserve_ids(self, until: int) -> None:
        """Note that ids up to ``until`` may have been used."""
        with _translated(), self._db:
            self._db.execute(
                "INSERT INTO counter VALUES ('last_id', ?)"
                " ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
                (until,),
            )


def _stored(record: Record) -> tuple[int, bytes]:
    body, crc = encode_record(record)
    return crc, body


def _open(path: Path, owner: str) -> sqlite3.Connection:
    with _translated():
        new = not path.exists()
        database = sqlite3.connect(
            _address(path), uri=True, isolation_level="IMMEDIATE", check_same_thread=False
        )
        try:
            _prepare(database, owner)
            if new:
                sync_folder(path.parent)
        except OSError as error:
            database.close()
            raise SpoolUnwritable(reasons.spool.unwritable(cause=reason_of(error))) from error
        except (sqlite3.Error, SpoolCorrupted, SpoolForeign):
            database.close()
            raise
    return database


def _address(path: Path) -> str:
    """Return where to open the file.

    A log and its index cannot be made on a read-only disk; where there is no log, none is needed
    (sqlite.org/wal.html, "Read-Only Databases"; sqlite.org/uri.html, "immutable").
    """
    logged = path.with_name(path.name + "-wal").exists()
    immutable = path.exists() and not os.access(path, os.W_OK) and not logged
    return f"{path.absolute().as_uri()}{'?immutable=1' if immutable else ''}"


def _prepare(database: sqlite3.Connection, owner: str) -> None:
    database.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    database.execute(f"PRAGMA wal_autocheckpoint = {WAL_CHECKPOINT_PAGES}")
    version = database.execute("PRAGMA user_version").fetchone()[0]
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    theirs = _owner(database) if "owner" in tables else ""
    if owner and theirs and theirs != owner:
        raise SpoolForeign(theirs)
    verdict = database.execute("PRAGMA quick_check(1)").fetchone()
    if verdict is None or verdict[0] != "ok":
        raise SpoolCorrupted(reasons.spool.damaged(detail=verdict[0] if verdict else "no answer"))
    if version not in {0, SCHEMA_VERSION}:
        why = reasons.spool.other_version(version=version, known_version=SCHEMA_VERSION)
        raise SpoolCorrupted(why)
    if not tables >= _TABLES:
        database.executescript(_SCHEMA)
    if version != SCHEMA_VERSION:
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    if owner and not theirs:
        with database:
            database.execute("INSERT INTO owner VALUES (?)", (owner,))


def _owner(database: sqlite3.Connection) -> str:
    row = database.execute("SELECT eui FROM owner").fetchone()
    return str(row[0]) if row else ""


class _translated:  # noqa: N801  # reads as an adjective where it is used
    """Turns SQLite's errors into those that callers act on."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        closed = isinstance(error, sqlite3.ProgrammingError) and "closed" in str(error)
        if error is not None and (isinstance(error, sqlite3.OperationalError) or closed):
            raise SpoolUnwritable(reasons.spool.unwritable(cause=reason_of(error))) from error
        if isinstance(error, sqlite3.IntegrityError):
            raise SpoolCollision(reasons.spool.collided(detail=str(error))) from error
        if isinstance(error, sqlite3.DatabaseError):
            raise SpoolCorrupted(reasons.spool.damaged(detail=str(error))) from error
