"""One suite for every ``JournalPort``: the journal on disk, and the one in memory."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from agent.journal.journal import Journal
from agent.journal.store import EVENT, JOURNAL
from agent.journal_port import JournalPort, MemoryJournal, StateChange
from agent.wire import reasons
from agent.wire.messages import Change, Delivered, Event, Heard, JournalRecord, Noted
from tests.controlpath.virtual import VirtualClock

BOOT = 9
THREADS, EVENTS = 8, 50
ROWS_LIMIT = THREADS * EVENTS + 1
SKETCH = Heard("2026-11-22", "26011bda", 1, 1, -80, 5.0, 7)


@dataclass
class Kept:
    """A port, its clock, and what it has put down so far."""

    port: JournalPort
    clock: VirtualClock
    changes: Callable[[], list[StateChange]]
    events: Callable[[], list[object]]


def on_disk(folder: Path) -> Kept:
    clock = VirtualClock()
    journal = Journal(folder, boot=BOOT, clock=clock)
    began_us = clock.monotonic_us()

    def changes() -> list[StateChange]:
        rows = journal.outbox.oldest(JOURNAL, limit=ROWS_LIMIT, limit_bytes=10**7)
        records = [msgspec.msgpack.decode(body, type=JournalRecord) for _, body in rows]
        return [
            StateChange(
                change=record.change,
                subject=record.subject,
                value=record.value,
                reason=record.why,
                since_us=None if record.since_ms is None else began_us + record.since_ms * 1_000,
            )
            for record in records
            if record.change is not Change.BOOT
        ]

    def events() -> list[object]:
        journal.flush()
        rows = journal.outbox.oldest(EVENT, limit=ROWS_LIMIT, limit_bytes=10**7)
        return [msgspec.msgpack.decode(body, type=Event) for _, body in rows]

    return Kept(journal, clock, changes, events)


def in_memory(_: Path) -> Kept:
    clock = VirtualClock()
    journal = MemoryJournal(clock, boot=BOOT)

    def events() -> list[object]:
        return [entry for entry in journal.entries if not isinstance(entry, StateChange)]

    return Kept(journal, clock, journal.changes, events)


@pytest.fixture(params=[on_disk, in_memory])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    return request.param(tmp_path)


def test_changes_are_there_at_once_in_order_with_their_beginning(kept: Kept) -> None:
    began_us = kept.clock.monotonic_us()
    kept.clock.advance(30)
    kept.port.record(Change.CONNECTOR, "lns", "DOWN", reasons.lns.no_answer(), since_us=began_us)
    kept.port.record(Change.SPOOL, "spool", "FULL")
    assert kept.changes() == [
        StateChange(
            change=Change.CONNECTOR,
            subject="lns",
            value="DOWN",
            reason=reasons.lns.no_answer(),
            since_us=began_us,
        ),
        StateChange(change=Change.SPOOL, subject="spool", value="FULL"),
    ]


def test_a_named_event_is_dated_at_its_call_and_keeps_its_fields(kept: Kept) -> None:
    fields = {"line": 3, "text": "x"}
    kept.port.note("log_line", fields)
    at_us = kept.clock.utc_us()
    kept.clock.advance(5)
    fields["line"] = 4
    assert kept.events() == [Noted(BOOT, 1, at_us, "log_line", {"line": 3, "text": "x"})]


def test_events_are_numbered_in_one_row_and_carry_the_boot(kept: Kept) -> None:
    kept.port.note("a", {})
    kept.port.put(SKETCH)
    kept.port.put(Delivered(0, 0, "lns", 0, 1, 2, 3))
    noted, sketch, delivered = kept.events()
    assert (noted.boot, noted.seq) == (BOOT, 1)  # type: ignore[attr-defined]
    assert sketch == SKETCH
    assert delivered == Delivered(BOOT, 3, "lns", 0, 1, 2, 3)


def test_threads_lose_nothing_and_share_no_number(kept: Kept) -> None:
    def write(thread: int) -> None:
        for number in range(EVENTS):
            kept.port.note("a", {"thread": thread, "number": number})
            kept.port.record(Change.RECOVERY, f"thread{thread}", str(number))

    threads = [threading.Thread(target=write, args=(thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = kept.events()
    assert sorted(event.seq for event in events) == list(range(1, THREADS * EVENTS + 1))  # type: ignore[attr-defined]
    for thread in range(THREADS):
        values = [change.value for change in kept.changes() if change.subject == f"thread{thread}"]
        assert values == list(map(str, range(EVENTS)))
