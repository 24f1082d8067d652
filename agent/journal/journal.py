"""The journal of one boot: numbers changes of state and events, and puts them down before anything else.

``journal_seq`` is given out under a lock at the instant of the change, so that a heartbeat that is built
afterwards carries it.  BOOT is record 1 and tells when the boot before was last alive.
"""

import sqlite3
import threading
from collections.abc import Collection, Mapping
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import msgspec

from agent.clock import Clock
from agent.journal.alive import AliveFile
from agent.journal.ending import Ended, ending_of
from agent.journal.recent import RecentLog
from agent.journal.store import EVENT, JOURNAL, Outbox
from agent.journal_port import NO_REASONS
from agent.wire import reasons
from agent.wire.messages import Change, Delivered, Heard, JournalRecord, Noted, PreviousBoot
from agent.wire.reasons import Reason

UNWRITTEN_LIMIT = 5_000
"""Rows kept in memory until ``flush`` or while the disk refuses them; beyond it the oldest go, counted."""
LAST_LINES = 10
"""So many lines of the run that died go to the fleet; the rest is in ``agent report``."""
FLUSH_EVERY_S = 1.0
"""What a power cut may take of events (never of changes of state)."""


class Journal:
    """One boot's journal on ``folder``; ``boot`` is random, 63 bits, and names this run for ever."""

    def __init__(self, folder: Path, *, boot: int, clock: Clock, ended: Ended | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.boot = boot
        self._clock = clock
        self._began_us = clock.monotonic_us()
        self._lock = threading.Lock()
        self._seq = 0
        self._event_seq = 0
        self.outbox = Outbox(folder / "journal.db")
        self.outbox.memory = self
        self._alive = AliveFile(folder / "alive")
        self._unwritten: list[tuple[str, int, msgspec.Struct]] = []
        self.disk_refusals = 0
        self._refused = False
        """The disk took nothing the last time."""
        self.unwritten_dropped = 0
        self.previous = self._alive.previous
        reason = ending_of(self.previous, ended or Ended())
        if self.outbox.set_aside:
            lost = reasons.card.journal_set_aside()
            reason = lost if reason is None else reasons.ending.and_journal_set_aside(cause=reason)
        self._append(Change.BOOT, "agent", "STARTED", reason, previous=self.previous)
        self.still_alive()

    @property
    def journal_seq(self) -> int:
        """Return the number of the newest record; BOOT is 1."""
        return self._seq

    @property
    def waiting(self) -> int:
        """Rows that are not on disk yet."""
        return len(self._unwritten)

    def uptime_ms(self, at_us: int | None = None) -> int:
        """Return monotonic milliseconds since this boot, at ``at_us`` or at this instant."""
        return ((self._clock.monotonic_us() if at_us is None else at_us) - self._began_us) // 1000

    def note(
        self, name: str, fields: Mapping[str, str | int | float], reasons: Mapping[str, Reason] = NO_REASONS
    ) -> None:
        """Number an event of this instant; ``flush`` puts it down."""
        self._queue(Noted(self.boot, 0, self._clock.utc_us(), name, dict(fields), dict(reasons)))

    def put(self, event: Delivered | Heard) -> None:
        """Number an event that dates itself; ``flush`` puts it down."""
        self._queue(event)

    def _queue(self, event: Delivered | Heard | Noted) -> None:
        with self._lock:
            self._event_seq += 1
            if not isinstance(event, Heard):
                event = msgspec.structs.replace(event, boot=self.boot, seq=self._event_seq)
            self._unwritten.append((EVENT, self._event_seq, event))
            self._bound()

    def keep_lines(self, log: RecentLog, folder: Path) -> None:
        """Keep log lines on disk; the last ones before a crash or a power cut go to the fleet."""
        log.keep(folder)
        if self.previous is not None and not self.previous.clean:
            lines = log.before[-LAST_LINES:]
            fields = {f"line_{index:02d}": line for index, line in enumerate(lines)}
            if fields:
                self.note("last_lines", fields)

    def record(
        self,
        change: Change,
        subject: str,
        value: str,
        reason: Reason | None = None,
        *,
        since_us: int | None = None,
    ) -> None:
        """Number a change of state and put it down."""
        self._append(change, subject, value, reason, since_us=since_us)

    def _append(
        self,
        change: Change,
        subject: str,
        value: str,
        reason: Reason | None,
        *,
        since_us: int | None = None,
        previous: PreviousBoot | None = None,
    ) -> None:
        with self._lock:
            self._seq += 1
            record = JournalRecord(
                boot=self.boot,
                journal_seq=self._seq,
                uptime_ms=self.uptime_ms(),
                at_us=self._clock.utc_us(),
                time_quality=self._clock.quality(),
                change=change,
                subject=subject,
                value=value,
                reason="",
                since_ms=None if since_us is None else self.uptime_ms(since_us),
                previous=previous,
                why=reason,
            )
            self._unwritten.append((JOURNAL, self._seq, record))
            self._write_waiting()

    def flush(self) -> None:
        """Put down the events that wait; callable from any thread, never raises for a full disk."""
        with self._lock:
            self._write_waiting()

    def _write_waiting(self) -> None:
        """Write rows of one kind together, in order, behind those that the disk refused before."""
        try:
            while self._unwritten:
                kind, rows = next(
                    (kind, list(rows)) for kind, rows in groupby(self._unwritten, itemgetter(0))
                )
                self.outbox.append(kind, [(self.boot, seq, row) for _, seq, row in rows])
                del self._unwritten[: len(rows)]
            self._refused = False
        except sqlite3.Error:
            self._refused = True
            self.disk_refusals += 1
            self._bound()

    def held(self, kind: str) -> int:
        """Return how many rows of ``kind`` the disk refused."""
        with self._lock:
            return sum(row_kind == kind for row_kind, _, _ in self._unwritten) if self._refused else 0

    def peek(self, kind: str, limit: int) -> list[tuple[int, bytes]]:
        """Return the oldest rows of ``kind`` that the disk refused, to be uploaded all the same."""
        with self._lock:
            rows = (
                [(seq, row) for row_kind, seq, row in self._unwritten if row_kind == kind]
                if self._refused
                else []
            )
        return [(-seq, msgspec.msgpack.encode(row)) for seq, row in rows[:limit]]

    def forget(self, kind: str, identities: Collection[int]) -> None:
        """Forget rows of ``peek``: the broker has them."""
        with self._lock:
            self._unwritten = [row for row in self._unwritten if row[0] != kind or -row[1] not in identities]

    def _bound(self) -> None:
        excess = len(self._unwritten) - UNWRITTEN_LIMIT
        if excess > 0:
            del self._unwritten[:excess]
            self.unwritten_dropped += excess

    def still_alive(self, *, clean: bool = False) -> None:
        """Put down that this boot lives at this instant; ``clean`` for the last word of an orderly stop."""
        with self._lock:
            uptime_ms, utc_us, quality = self.uptime_ms(), self._clock.utc_us(), self._clock.quality()
            alive = PreviousBoot(self.boot, uptime_ms, utc_us, quality, clean, self._seq)
        try:
            self._alive.write(alive)
        except OSError:
            self.disk_refusals += 1

    def stop(self, reason: Reason) -> None:
        """Record an orderly stop and close."""
        self.record(Change.STOP, "agent", "STOPPED", reason)
        self.still_alive(clean=True)
        self.flush()
        self.outbox.close()
        self._alive.close()
