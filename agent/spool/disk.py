"""The spool's file: SQLite in WAL mode, every commit synchronised, every record with its CRC.

Sources: sqlite.org/wal.html (a torn WAL frame ends the log at the last commit) and
sqlite.org/pragma.html#pragma_synchronous (FULL: the WAL is synchronised at each commit; NORMAL would
lose commits with the power).
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from agent.durable import sync_folder
from agent.failures import reason_of
from agent.record import Record, RecordError, decode_record, encode_record
from agent.wire import reasons
from agent.wire.configuration import Limits
from agent.wire.reasons import ReasonedError

CONNECTORS_LIMIT = 32
"""Bits of ``waiting``; one for each connector this spool ever knew."""
ROW_OVERHEAD_BYTES = 32
"""Rowid, header, address, waiting, instant and CRC beside the body; estimate for the bound by bytes."""
EVICTED_AT_A_TIME = 256
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
"""
SpoolEntry: TypeAlias = tuple[Record | None, int, int, int]
"""(record or None when damaged, id, address, mask of connectors that wait)."""


class SpoolCorrupted(ReasonedError):
    """The file is no spool, or its structure is damaged."""


class SpoolUnwritable(ReasonedError):
    """The disk is full, read-only or failing: nothing more was taken."""


Waiting: TypeAlias = tuple[int, int, int, int]
"""(id, address, kind, mask of connectors that wait): one stored record's place in the queues."""


class SpoolDisk:
    """One open spool file; used by one thread at a time.

    Raises (every method): SpoolUnwritable, SpoolCorrupted.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = _open(path)
        self.records, self.bytes = self._size()

    def close(self) -> None:
        """Close the file; commits are already there."""
        self._db.close()

    def limit_pages(self, pages: int) -> int:
        """Let the file grow to so many pages, or to what it holds; return that limit."""
        return int(self._db.execute(f"PRAGMA max_page_count = {int(pages)}").fetchone()[0])

    def bit_of(self, name: str) -> int:
        """Return the bit that stands for a connector, a new one when it is unknown."""
        with _translated(), self._db:
            row = self._db.execute("SELECT bit FROM connector WHERE name = ?", (name,)).fetchone()
            if row:
                return int(row[0])
            taken = {int(bit) for (bit,) in self._db.execute("SELECT bit FROM connector")}
            free = next((bit for bit in range(CONNECTORS_LIMIT) if bit not in taken), None)
            if free is None:
                raise SpoolUnwritable(reasons.spool.names_full(limit_names=CONNECTORS_LIMIT))
            self._db.execute("INSERT INTO connector VALUES (?, ?)", (free, name))
            return free

    def adopt(self, bits: Mapping[str, int]) -> None:
        """Note the bits of connectors that are known from elsewhere."""
        with _translated(), self._db:
            self._db.executemany(
                "INSERT OR IGNORE INTO connector VALUES (?, ?)", [(b, n) for n, b in bits.items()]
            )

    def retire(self, keep: Sequence[str]) -> int:
        """Forget the connectors that are not in ``keep`` and what waited for them only; return how many."""
        with _translated(), self._db:
            known = self._db.execute("SELECT bit, name FROM connector").fetchall()
            gone = [bit for bit, name in known if name not in keep]
            for bit in gone:
                self._db.execute("UPDATE frame SET waiting = waiting & ~(1 << ?)", (bit,))
                self._db.execute("DELETE FROM connector WHERE bit = ?", (bit,))
            retired = self._db.execute("DELETE FROM frame WHERE waiting = 0").rowcount if gone else 0
        self.records, self.bytes = self._size() if retired else (self.records, self.bytes)
        return retired

    def commit(self, written: Iterable[tuple[Record, int]], settled: Iterable[tuple[int, int]]) -> None:
        """Write records with who waits for them, and take bits off others, all in one transaction.

        ``settled`` holds (record id, mask of connectors that are done with it).
        """
        rows = [(record.id, record.address, record.kind, mask, *_stored(record)) for record, mask in written]
        gone: list[int] = []
        with _translated(), self._db:
            self._db.executemany("INSERT OR IGNORE INTO frame VALUES (?, ?, ?, ?, ?, ?)", rows)
            for record_id, mask in settled:
                sizes = self._deleted("id = ? AND waiting & ~? = 0", record_id, mask)
                gone += sizes
                if not sizes:
                    self._db.execute(
                        "UPDATE frame SET waiting = waiting & ~? WHERE id = ?", (mask, record_id)
                    )
        self.records += len(rows) - len(gone)
        self.bytes += sum(len(row[5]) + ROW_OVERHEAD_BYTES for row in rows) - sum(gone)

    def _deleted(self, condition: str, *values: int) -> list[int]:
        query = f"DELETE FROM frame WHERE {condition} RETURNING length(body)"  # noqa: S608  # our own constants
        return [int(size) + ROW_OVERHEAD_BYTES for (size,) in self._db.execute(query, values).fetchall()]

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
        """Return the places of at most ``count`` stored records with ids above ``after``, oldest first."""
        with _translated():
            query = "SELECT id, address, kind, waiting FROM frame WHERE id > ? ORDER BY id LIMIT ?"
            return self._db.execute(query, (after, count)).fetchall()

    def remove(self, ids: Sequence[int]) -> None:
        """Remove records whoever waits for them."""
        with _translated(), self._db:
            gone = [size for record_id in ids for size in self._deleted("id = ?", record_id)]
        self.records -= len(gone)
        self.bytes -= sum(gone)

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

    def evict(
        self, limits: Limits, age_us: Callable[[Record], int | None]
    ) -> Iterator[tuple[list[SpoolEntry], str]]:
        """Remove what lies beyond the bounds, oldest first; yield each lot and the bound's name.

        ``age_us`` returns None where nothing trusted tells the age: such a record is never too old.
        """
        while self.records > limits.spool_records:
            yield (
                self._evicted(self.oldest(min(self.records - limits.spool_records, EVICTED_AT_A_TIME))),
                "spool_count",
            )
        while self.bytes > limits.spool_bytes:
            yield self._evicted(self.oldest(1)), "spool_bytes"
        while self.records:
            ages = [
                (entry, None if entry[0] is None else age_us(entry[0]))
                for entry in self.oldest(EVICTED_AT_A_TIME)
            ]
            old = [entry for entry, age in ages if age is not None and age > limits.spool_age_s * 1_000_000]
            if not old:
                return
            yield self._evicted(old), "spool_age"

    def _evicted(self, entries: list[SpoolEntry]) -> list[SpoolEntry]:
        self.remove([record_id for _, record_id, _, _ in entries])
        return entries

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
            self._db.execute("INSERT OR REPLACE INTO counter VALUES ('last_id', ?)", (until,))


def _stored(record: Record) -> tuple[int, bytes]:
    body, crc = encode_record(record)
    return crc, body


def _open(path: Path) -> sqlite3.Connection:
    with _translated():
        new = not path.exists()
        database = sqlite3.connect(path, isolation_level="IMMEDIATE", check_same_thread=False)
        try:
            _prepare(database)
            if new:
                sync_folder(path.parent)
        except (sqlite3.Error, SpoolCorrupted):
            database.close()
            raise
    return database


def _prepare(database: sqlite3.Connection) -> None:
    database.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    database.execute(f"PRAGMA wal_autocheckpoint = {WAL_CHECKPOINT_PAGES}")
    verdict = database.execute("PRAGMA quick_check(1)").fetchone()
    if verdict is None or verdict[0] != "ok":
        raise SpoolCorrupted(reasons.spool.damaged(detail=verdict[0] if verdict else "no answer"))
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version not in {0, SCHEMA_VERSION}:
        why = reasons.spool.other_version(version=version, known_version=SCHEMA_VERSION)
        raise SpoolCorrupted(why)
    database.executescript(_SCHEMA)
    database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


class _translated:  # noqa: N801  # reads as an adjective where it is used
    """Turns SQLite's errors into the two that callers act on."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, sqlite3.OperationalError):
            raise SpoolUnwritable(reasons.spool.unwritable(cause=reason_of(error))) from error
        if isinstance(error, sqlite3.DatabaseError):
            raise SpoolCorrupted(reasons.spool.damaged(detail=str(error))) from error
