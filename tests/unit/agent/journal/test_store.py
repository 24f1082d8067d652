from pathlib import Path

import pytest

from agent.journal.store import EVENT, JOURNAL, Outbox
from agent.wire.messages import Noted

LIMITS = {JOURNAL: 3, EVENT: 2}


def note(number: int) -> Noted:
    return Noted(1, number, 0, "test", {"number": number})


@pytest.mark.parametrize(("count", "kept", "dropped"), [(2, 2, 0), (3, 3, 0), (4, 3, 1), (9, 3, 6)])
def test_at_the_limit_the_oldest_go_and_are_counted(
    tmp_path: Path, count: int, kept: int, dropped: int
) -> None:
    outbox = Outbox(tmp_path / "o.db", limits=LIMITS)
    for number in range(count):
        outbox.append(JOURNAL, [(1, number, note(number))])
    assert (outbox.pending(JOURNAL), outbox.dropped[JOURNAL]) == (kept, dropped)
    assert len(outbox.oldest(JOURNAL, limit=10, limit_bytes=10**6)) == kept
    assert outbox.pending(EVENT) == 0


def test_rows_survive_and_leave_when_acknowledged(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "o.db")
    outbox.append(JOURNAL, [(1, number, note(number)) for number in range(5)])
    outbox.close()
    again = Outbox(tmp_path / "o.db")
    rows = again.oldest(JOURNAL, limit=3, limit_bytes=10**6)
    again.acknowledged(JOURNAL, [identity for identity, _ in rows])
    assert again.pending(JOURNAL) == 2
    again.acknowledged(JOURNAL, [identity for identity, _ in rows])
    assert again.pending(JOURNAL) == 2


def test_a_batch_is_bounded_in_bytes_and_never_empty(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "o.db")
    outbox.append(EVENT, [(1, number, note(number)) for number in range(5)])
    size = len(outbox.oldest(EVENT, limit=1, limit_bytes=10**6)[0][1])
    assert len(outbox.oldest(EVENT, limit=5, limit_bytes=2 * size)) == 2
    assert len(outbox.oldest(EVENT, limit=5, limit_bytes=0)) == 1


def test_a_damaged_file_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    path.write_bytes(b"this is no database at all" * 100)
    outbox = Outbox(path)
    assert outbox.set_aside
    assert outbox.pending(JOURNAL) == 0
    assert (tmp_path / "o.db.damaged").exists()


def test_newest_rows_for_a_look(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "o.db")
    outbox.append(EVENT, [(1, number, note(number)) for number in range(5)])
    assert len(outbox.newest(EVENT, 2)) == 2


def test_a_disk_that_deletes_nothing_sends_nothing_twice(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "journal.db")
    outbox.append(JOURNAL, [(1, number, Noted(1, number, 0, "a")) for number in range(3)])
    outbox._database.execute("PRAGMA query_only=ON")
    first, second, third = (identity for identity, _ in outbox.oldest(JOURNAL, limit=9, limit_bytes=9_999))
    outbox.acknowledged(JOURNAL, [first, second])
    outbox.acknowledged(JOURNAL, [second])
    assert [row for row, _ in outbox.oldest(JOURNAL, limit=1, limit_bytes=9_999)] == [third]
    assert outbox.pending(JOURNAL) == 1
    outbox._database.execute("PRAGMA query_only=OFF")
    outbox.acknowledged(JOURNAL, [third])
    assert (outbox.pending(JOURNAL), outbox.newest(JOURNAL, 9)) == (0, [])
