"""The outbox on disk: journal records until the fleet acknowledged them, events until the broker did.

A broker may forget what it acknowledged, so a record that it has is *sent*, not done: it stays until the
fleet names it stored, and goes out again when the fleet names it missing.  Which records are sent is known in
memory only: a restart sends again all that the fleet did not acknowledge, which changes nothing there.

Own file, WAL, ``synchronous=FULL``: what ``append`` returned survives a power cut.  At the limits the
oldest rows make room and are counted by kind, and the count goes out with the next record.
"""

import sqlite3
import threading
from collections.abc import Collection, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import msgspec

from agent.wire.messages import Gone, SeqSpan

RECORDS_LIMIT = 50_000
"""Journal records kept while the fleet is away; at 50 changes an hour that is six weeks."""
EVENTS_LIMIT = 100_000
"""Events kept while the fleet is away: deliveries, sketches, notes."""
SENT_LIMIT = 5_000
"""Records that the broker has and the fleet did not acknowledge: hundred hours of changes; a fleet that knows
no acknowledgement never does.  Beyond it the oldest are forgotten, counted."""
GONE_LIMIT = 64
"""Spans of records that we have no more, in one answer; the fleet asks for the others again."""
JOURNAL, EVENT = "journal", "event"
_LIMITS = {JOURNAL: RECORDS_LIMIT, EVENT: EVENTS_LIMIT}
_SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, boot INTEGER NOT NULL,
    seq INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS outbox_kind ON outbox (kind, id);
"""
_OLDEST = "SELECT id FROM outbox WHERE kind = ? ORDER BY id LIMIT ?"
_DELETE = "DELETE FROM outbox WHERE id = ?"


class Memory(Protocol):
    """Rows of this boot that the disk refused; numbers are below zero."""

    boot: int

    def held(self, kind: str) -> int: ...

    def peek(self, kind: str, limit: int) -> list[tuple[int, bytes]]: ...

    def forget(self, kind: str, identities: Collection[int]) -> None: ...


class Outbox:
    """Rows in order of writing, thread-safe; ``kind`` is ``journal`` or ``event``.

    A disk that has become read-only stops no upload: what it refused goes out of ``memory``, and what was
    acknowledged but the disk does not delete is remembered as gone.
    """

    def __init__(
        self, path: Path, *, limits: dict[str, int] | None = None, sent_limit: int = SENT_LIMIT
    ) -> None:
        self._limits = limits or _LIMITS
        self._sent_limit = sent_limit
        self._lock = threading.Lock()
        self.memory: Memory | None = None
        self._gone: set[int] = set()
        """Acknowledged, and still on a disk that deletes nothing."""
        self._sent: set[int] = set()
        """Journal rows that the broker has and the fleet did not acknowledge; rows of memory too."""
        self.unconfirmed_dropped = 0
        """Sent records that were forgotten at a limit before the fleet acknowledged them."""
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
                excess = max(0, self._counts[kind] + len(bodies) - self._limits[kind])
                dropped = self._drop_oldest(kind, excess) if excess else set()
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")
            self._counts[kind] += len(bodies) - len(dropped)
            unconfirmed = dropped & self._sent
            self._sent -= dropped
            self.unconfirmed_dropped += len(unconfirmed)
            self.dropped[kind] += len(dropped) - len(unconfirmed)

    def _drop_oldest(self, kind: str, count: int) -> set[int]:
        rows = self._database.execute(_OLDEST, (kind, count)).fetchall()
        self._database.executemany(_DELETE, rows)
        return {identity for (identity,) in rows}

    def oldest(self, kind: str, *, limit: int, limit_bytes: int) -> list[tuple[int, bytes]]:
        """Return up to ``limit`` (id, body) rows to be sent, in order: one, or ``limit_bytes`` of bodies."""
        with self._lock:
            passed_over = self._gone | self._sent
            found = self._database.execute(_OLDEST, (kind, limit + len(passed_over))).fetchall()
            waiting = [identity for (identity,) in found if identity not in passed_over][:limit]
            rows = [
                (identity, body)
                for identity in waiting
                for (body,) in self._database.execute("SELECT body FROM outbox WHERE id = ?", (identity,))
            ]
        if not rows and self.memory is not None:
            held = self.memory.peek(kind, limit + len(passed_over))
            rows = [row for row in held if row[0] not in passed_over or kind != JOURNAL][:limit]
        taken: list[tuple[int, bytes]] = []
        total = 0
        for identity, body in rows:
            total += len(body)
            if taken and total > limit_bytes:
                break
            taken.append((identity, body))
        return taken

    def sent(self, identities: Sequence[int]) -> None:
        """Keep journal rows that the broker has until the fleet acknowledges them."""
        with self._lock:
            self._sent.update(identities)
            excess = len(self._sent) - self._sent_limit
            forgotten = sorted(self._sent, key=_age)[:excess] if excess > 0 else []
        if forgotten:
            self.unconfirmed_dropped += len(forgotten)
            self.acknowledged(JOURNAL, forgotten)

    def settle(self, boot: int, through_seq: int) -> None:
        """Forget the records of ``boot`` that the fleet has stored, sent or not."""
        through = "SELECT id FROM outbox WHERE kind = ? AND boot = ? AND seq <= ?"
        with self._lock:
            found = self._database.execute(through, (JOURNAL, boot, through_seq)).fetchall()
        settled = [identity for (identity,) in found]
        settled += [-seq for seq in self._held_seqs(boot) if seq <= through_seq]
        if settled:
            self.acknowledged(JOURNAL, settled)

    def send_again(self, boot: int, missing: Sequence[SeqSpan]) -> tuple[Gone, ...]:
        """Let the records that the fleet named missing go out again; return those that are here no more."""
        query = "SELECT id, seq FROM outbox WHERE kind = ? AND boot = ? AND seq BETWEEN ? AND ?"
        held, gone = self._held_seqs(boot), list[Gone]()
        for span in missing:
            first, last = span.first_seq, span.last_seq
            with self._lock:
                rows = self._database.execute(query, (JOURNAL, boot, first, last)).fetchall()
                here = {seq: identity for identity, seq in rows if identity not in self._gone}
                here |= {seq: -seq for seq in held if first <= seq <= last}
                self._sent.difference_update(here.values())
            gone += [Gone(boot, *ends) for ends in _absent(first, last, sorted(here))]
        return tuple(gone[:GONE_LIMIT])

    def _held_seqs(self, boot: int) -> list[int]:
        memory = self.memory
        if memory is None or memory.boot != boot:
            return []
        return [-identity for identity, _ in memory.peek(JOURNAL, memory.held(JOURNAL))]

    def acknowledged(self, kind: str, identities: Sequence[int]) -> None:
        """Forget rows for good."""
        on_disk = {identity for identity in identities if identity > 0}
        if self.memory is not None and len(on_disk) < len(identities):
            self.memory.forget(kind, identities)
        with self._lock:
            if kind == JOURNAL:
                self._sent.difference_update(identities)
            gone = self._gone | on_disk
            if not gone:
                return
            try:
                removed = self._delete(gone)
            except sqlite3.OperationalError:
                self._counts[kind] -= len(gone) - len(self._gone)
                self._gone = gone
                return
            self._counts[kind] -= removed - len(self._gone)
            self._gone = set()

    def _delete(self, identities: Collection[int]) -> int:
        """Delete rows in one durable transaction; return how many there were."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            removed = self._database.executemany(_DELETE, [(one,) for one in identities]).rowcount
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")
        return removed

    def pending(self, kind: str) -> int:
        """Return how many rows wait to be sent."""
        return self.kept(kind) - (len(self._sent) if kind == JOURNAL else 0)

    def kept(self, kind: str) -> int:
        """Return how many rows are here, sent or not."""
        held = 0 if self.memory is None else self.memory.held(kind)
        with self._lock:
            if kind == JOURNAL and not held:
                self._sent = {identity for identity in self._sent if identity > 0}
            return self._counts[kind] + held

    def newest(self, kind: str, limit: int) -> list[bytes]:
        """Return the bodies of the newest ``limit`` rows that are here, oldest first."""
        with self._lock:
            rows = self._database.execute(
                "SELECT body FROM outbox WHERE kind = ? ORDER BY id DESC LIMIT ?", (kind, limit)
            ).fetchall()
        return [body for (body,) in reversed(rows)]

    def fields(self) -> dict[str, str | int | float]:
        """Return what the details say of the outbox."""
        waiting = self.pending(JOURNAL)
        fields: dict[str, str | int | float] = {
            "journal_pending_count": waiting,
            "journal_unconfirmed_count": self.kept(JOURNAL) - waiting,
            "outbox_unconfirmed_dropped_count": self.unconfirmed_dropped,
        }
        return fields | {f"outbox_dropped_{kind}_count": number for kind, number in self.dropped.items()}

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()


def _age(identity: int) -> tuple[bool, int]:
    """Return what orders rows from the oldest: those of memory were written after those on the disk."""
    return identity < 0, abs(identity)


def _absent(first: int, last: int, here: Sequence[int]) -> list[tuple[int, int]]:
    """Return the spans of ``first`` to ``last``, both included, that are not ``here``, which is in order.

    >>> _absent(3, 9, [4, 5, 9])
    [(3, 3), (6, 8)]
    """
    edges = [first - 1, *here, last + 1]
    return [(one + 1, other - 1) for one, other in pairwise(edges) if other - one > 1]
