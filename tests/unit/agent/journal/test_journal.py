from pathlib import Path

import msgspec
import pytest

from agent.journal import journal as module
from agent.journal.journal import Journal
from agent.journal.store import EVENT, JOURNAL
from agent.wire import reasons
from agent.wire.messages import Change, Delivered, Event, Heard, JournalRecord
from tests.controlpath.virtual import VirtualClock


def records(journal: Journal) -> list[JournalRecord]:
    bodies = [body for _, body in journal.outbox.oldest(JOURNAL, limit=1000, limit_bytes=10**7)]
    return [msgspec.msgpack.decode(body, type=JournalRecord) for body in bodies]


def events(journal: Journal) -> list[Event]:
    journal.flush()
    rows = journal.outbox.oldest(EVENT, limit=1000, limit_bytes=10**7)
    return [msgspec.msgpack.decode(body, type=Event) for _, body in rows]  # type: ignore[arg-type]


def test_boot_is_record_one_and_tells_the_death_before(tmp_path: Path) -> None:
    clock = VirtualClock()
    first = Journal(tmp_path, boot=11, clock=clock)
    clock.advance(60)
    first.record(Change.RADIO, "radio", "RECEIVING")
    first.still_alive()
    clock.advance(5)
    second = Journal(tmp_path, boot=22, clock=clock)
    boot = records(second)[-1]
    assert (boot.boot, boot.journal_seq, boot.change) == (22, 1, Change.BOOT)
    assert boot.previous is not None
    assert (boot.previous.boot, boot.previous.uptime_ms, boot.previous.clean) == (11, 60_000, False)
    assert boot.previous.journal_seq == 2


def test_an_orderly_stop_is_told(tmp_path: Path) -> None:
    journal = Journal(tmp_path, boot=1, clock=VirtualClock())
    journal.stop(reasons.ending.asked_to_stop())
    again = Journal(tmp_path, boot=2, clock=VirtualClock())
    assert again.previous is not None
    assert again.previous.clean
    assert [record.change for record in records(again)] == [Change.BOOT, Change.STOP, Change.BOOT]


def test_states_carry_when_they_really_began(tmp_path: Path) -> None:
    clock = VirtualClock()
    journal = Journal(tmp_path, boot=1, clock=clock)
    began = clock.monotonic_us()
    clock.advance(30)
    journal.record(Change.CONNECTOR, "lns", "DOWN", reasons.lns.no_answer(), since_us=began)
    record = records(journal)[-1]
    assert (record.uptime_ms, record.since_ms, record.journal_seq) == (30_000, 0, 2)
    assert journal.journal_seq == 2


def test_events_are_numbered_by_boot(tmp_path: Path) -> None:
    journal = Journal(tmp_path, boot=9, clock=VirtualClock())
    journal.note("a", {})
    journal.put(Delivered(0, 0, "lns", 0, 1, 2, 3))
    heard = Heard("2026-11-22", "26011bda", 1, 1, -80, 5.0, 7)
    journal.put(heard)
    noted, delivered, sketch = events(journal)
    assert (noted.boot, noted.seq) == (9, 1)  # type: ignore[union-attr]
    assert (delivered.boot, delivered.seq) == (9, 2)  # type: ignore[union-attr]
    assert sketch == heard


def test_a_full_disk_keeps_records_in_memory_and_writes_them_later(tmp_path: Path) -> None:
    journal = Journal(tmp_path, boot=1, clock=VirtualClock())
    database = journal.outbox._database
    database.execute("PRAGMA query_only=ON")
    journal.record(Change.SPOOL, "spool", "FULL")
    assert journal.disk_refusals == 1
    assert journal.journal_seq == 2
    database.execute("PRAGMA query_only=OFF")
    journal.record(Change.SPOOL, "spool", "ACCEPTING")
    assert [record.journal_seq for record in records(journal)] == [1, 2, 3]


def test_what_a_read_only_disk_refuses_is_uploaded_all_the_same(tmp_path: Path) -> None:
    journal = Journal(tmp_path, boot=1, clock=VirtualClock())
    outbox = journal.outbox
    ((boot, _),) = outbox.oldest("journal", limit=9, limit_bytes=9_999)
    outbox._database.execute("PRAGMA query_only=ON")
    outbox.acknowledged("journal", [boot])
    journal.record(Change.SPOOL, "spool", "FULL")
    journal.record(Change.SPOOL, "spool", "ACCEPTING")
    assert outbox.pending("journal") == 2
    ((first, body),) = outbox.oldest("journal", limit=1, limit_bytes=9_999)
    assert msgspec.msgpack.decode(body, type=JournalRecord).journal_seq == 2
    outbox.acknowledged("journal", [first])
    outbox._database.execute("PRAGMA query_only=OFF")
    journal.record(Change.SPOOL, "spool", "FULL")
    assert [record.journal_seq for record in records(journal)] == [3, 4]


@pytest.mark.parametrize(("extra", "dropped"), [(-1, 0), (0, 0), (1, 1)])
def test_what_memory_cannot_hold_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: int, dropped: int
) -> None:
    monkeypatch.setattr(module, "UNWRITTEN_LIMIT", 5)
    journal = Journal(tmp_path, boot=1, clock=VirtualClock())
    journal.outbox._database.execute("PRAGMA query_only=ON")
    for _ in range(5 + extra):
        journal.record(Change.SPOOL, "spool", "FULL")
    assert journal.unwritten_dropped == dropped
