"""The outbox on disk: journal records and events in SQLite until the broker acknowledged them.

Own file, WAL, ``synchronous=FULL``: what ``append`` returned survives a power cut.  At the limits the
oldest rows make room and are counted by kind, and the count goes out with the next record.
"""

import sqlite3
import threading
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

RECORDS_LIMIT = 50_000
"""Journal records kept while the fleet is away; at 50 changes an hour that is six weeks."""
EVENTS_LIMIT = 100_000
"""Events kept while the fleet is away: deliveries, sketches, notes."""
JOURNAL, EVENT = "journal", "event"
_LIMITS = {JOURNAL: RECORDS_LIMIT, EVENT: EVENTS_LIMIT}
_SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, boot INTEGER NOT NULL,
    seq INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS outbox_kind ON outbox (kind, id);
"""
_DROP_OLDEST = "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE kind = ? ORDER BY id LIMIT ?)"


class Memory(Protocol):
    """Rows that the disk refused; numbers are below zero."""

    def held(self, kind: str) -> int: ...

    def peek(self, kind: str, limit: int) -> list[tuple[int, bytes]]: ...

    def forget(self, kind: str, identities: Collection[int]) -> None: ...


class Outbox:
    """Rows in order of writing, thread-safe; ``kind`` is ``journal`` or ``event``.

    A disk that has become read-only stops no upload: what it refused goes out of ``memory``, and what the
    broker has but the disk does not delete is remembered as gone.
    """

    def __init__(self, path: Path, *, limits: dict[str, int] | None = None) -> None:
        self._limits = limits or _LIMITS
        self._lock = threading.Lock()
        self.memory: Memory | None = None
        self._gone: set[int] = set()
        """Acknowledged, and still on a disk that deletes nothing."""
        self.set_aside = False
        try:
            self._database = self._open(path)
        except sqlite3.OperationalError:
            raise  # a full or failing disk is no reason to set good records aside
        except sqlite3.DatabaseError:
            path.replace(path.with_name(path.name + ".damaged"))
            for suffix in ("-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            self._database = self._open(path)
            self.set_aside = True
        self.dropped = dict.fromkeys(self._limits, 0)
        counts = dict(self._database.execute("SELECT kind, count(*) FROM outbox GROUP BY kind").fetchall())
        self._counts = {kind: int(counts.get(kind, 0)) for kind in self._limits}

    @staticmethod
    def _open(path: Path) -> sqlite3.Connection:
        database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        try:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=FULL")
            database.executescript(_SCHEMA)
            (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError:
            database.close()
            raise
        if verdict != "ok":
            database.close()
            raise sqlite3.DatabaseError(verdict)
        return database

    def append(self, kind: str, rows: Sequence[tuple[int, int, msgspec.Struct]]) -> None:
        """Put down (boot, seq, message) rows in one durable transaction, dropping the oldest at the limit."""
        bodies = [(kind, boot, seq, msgspec.msgpack.encode(message)) for boot, seq, message in rows]
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                self._database.executemany(
                    "INSERT INTO outbox (kind, boot, seq, body) VALUES (?, ?, ?, ?)", bodies
                )
                excess = self._counts[kind] + len(bodies) - self._limits[kind]
                if excess > 0:
                    self._database.execute(_DROP_OLDEST, (kind, excess))
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")
            self._counts[kind] += len(bodies) - max(0, excess)
            self.dropped[kind] += max(0, excess)

    def oldest(self, kind: str, *, limit: int, limit_bytes: int) -> list[tuple[int, bytes]]:
        """Return up to ``limit`` (id, body) rows in order, at least one, within ``limit_bytes`` of bodies."""
        with self._lock:
            rows = self._database.execute(
                "SELECT id, body FROM outbox WHERE kind = ? ORDER BY id LIMIT ?",
                (kind, limit + len(self._gone)),
            ).fetchall()
        rows = [row for row in rows if row[0] not in self._gone][:limit]
        if not rows and self.memory is not None:
            rows = self.memory.peek(kind, limit)
        taken: list[tuple[int, bytes]] = []
        total = 0
        for identity, body in rows:
            total += len(body)
            if taken and total > limit_bytes:
                break
            taken.append((identity, body))
        return taken

    def acknowledged(self, kind: str, identities: Sequence[int]) -> None:
        """Forget the rows that the broker has."""
        on_disk = {identity for identity in identities if identity > 0}
        if self.memory is not None and len(on_disk) < len(identities):
            self.memory.forget(kind, identities)
        with self._lock:
            gone = self._gone | on_disk
            if not gone:
                return
            try:
                removed = self._database.executemany(
                    "DELETE FROM outbox WHERE id = ?", [(identity,) for identity in gone]
                ).rowcount
            except sqlite3.OperationalError:
                self._counts[kind] -= len(gone) - len(self._gone)
                self._gone = gone
                return
            self._counts[kind] -= removed - len(self._gone)
            self._gone = set()

    def pending(self, kind: str) -> int:
        """Return how many rows wait."""
        held = 0 if self.memory is None else self.memory.held(kind)
        with self._lock:
            return self._counts[kind] + held

    def newest(self, kind: str, limit: int) -> list[bytes]:
        """Return the bodies of the newest ``limit`` rows that still wait, oldest first."""
        with self._lock:
            rows = self._database.execute(
                "SELECT body FROM outbox WHERE kind = ? ORDER BY id DESC LIMIT ?", (kind, limit)
            ).fetchall()
        return [body for (body,) in reversed(rows)]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()
