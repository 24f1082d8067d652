"""The journal as every part of the agent sees it: one port, and the implementation that keeps it in memory.

``agent.journal.journal`` is the port on disk; both pass ``tests/contract/test_journal_port.py``.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, TypeAlias

import msgspec

from agent.clock import Clock
from agent.wire.messages import Change, Delivered, Heard, Noted
from agent.wire.reasons import Reason

NO_REASONS: Mapping[str, Reason] = MappingProxyType({})


class JournalPort(Protocol):
    """Takes in what changed and what happened; every method may be called from any thread."""

    def record(
        self,
        change: Change,
        subject: str,
        value: str,
        reason: Reason | None = None,
        *,
        since_us: int | None = None,
    ) -> None:
        """Put down a change of state before returning.

        ``subject`` names what changed (``radio``, ``spool``, a connector's name, the stage of a recovery),
        ``value`` its state from here on (RECEIVING, DEAF, UP, DOWN, FULL, …).  ``since_us`` is the monotonic
        instant at which the state began, where that lies before this call.
        """
        ...

    def note(
        self, name: str, fields: Mapping[str, str | int | float], reasons: Mapping[str, Reason] = NO_REASONS
    ) -> None:
        """Put down an event of this instant, at the latest with the next flush; a reason is a field too."""
        ...

    def put(self, event: Delivered | Heard) -> None:
        """Put down an event that dates itself; the journal numbers it and gives it the boot."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange:
    """One call of ``JournalPort.record``."""

    change: Change
    subject: str
    value: str
    reason: Reason | None = None
    since_us: int | None = None


Entry: TypeAlias = StateChange | Delivered | Heard | Noted


class MemoryJournal:
    """A ``JournalPort`` that keeps everything in ``entries``: for benches, tests and the laptop."""

    def __init__(self, clock: Clock, *, boot: int = 1) -> None:
        self._clock, self.boot = clock, boot
        self._lock = threading.Lock()
        self._event_seq = 0
        self.entries: list[Entry] = []

    def record(
        self,
        change: Change,
        subject: str,
        value: str,
        reason: Reason | None = None,
        *,
        since_us: int | None = None,
    ) -> None:
        """Keep a change of state."""
        entry = StateChange(change=change, subject=subject, value=value, reason=reason, since_us=since_us)
        with self._lock:
            self.entries.append(entry)

    def note(
        self, name: str, fields: Mapping[str, str | int | float], reasons: Mapping[str, Reason] = NO_REASONS
    ) -> None:
        """Keep an event of this instant."""
        with self._lock:
            at_us, number = self._clock.utc_us(), self._numbered()
            self.entries.append(Noted(self.boot, number, at_us, name, dict(fields), dict(reasons)))

    def put(self, event: Delivered | Heard) -> None:
        """Keep an event that dates itself."""
        with self._lock:
            number = self._numbered()
            if isinstance(event, Delivered):
                event = msgspec.structs.replace(event, boot=self.boot, seq=number)
            self.entries.append(event)

    def _numbered(self) -> int:
        self._event_seq += 1
        return self._event_seq

    def changes(self) -> list[StateChange]:
        """Return the changes of state so far."""
        with self._lock:
            return [entry for entry in self.entries if isinstance(entry, StateChange)]

    def notes(self) -> list[Noted]:
        """Return the named events so far."""
        with self._lock:
            return [entry for entry in self.entries if isinstance(entry, Noted)]
