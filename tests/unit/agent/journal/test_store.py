from collections.abc import Collection
from pathlib import Path

import pytest

from agent.journal.store import EVENT, JOURNAL, Outbox
from agent.wire.messages import Gone, Noted, SeqSpan

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


def ids(outbox: Outbox, limit: int = 100) -> list[int]:
    return [identity for identity, _ in outbox.oldest(JOURNAL, limit=limit, limit_bytes=10**6)]


def filled(path: Path, count: int, boot: int = 1, sent_limit: int = 100) -> Outbox:
    outbox = Outbox(path, sent_limit=sent_limit)
    outbox.append(JOURNAL, [(boot, number, note(number)) for number in range(1, count + 1)])
    return outbox


def test_a_restart_sends_again_all_that_the_fleet_did_not_acknowledge(tmp_path: Path) -> None:
    outbox = filled(tmp_path / "o.db", 5)
    outbox.sent(ids(outbox))
    assert (ids(outbox), outbox.pending(JOURNAL), outbox.kept(JOURNAL)) == ([], 0, 5)
    outbox.settle(1, 2)
    outbox.close()
    again = Outbox(tmp_path / "o.db")
    assert (again.pending(JOURNAL), len(ids(again))) == (3, 3)


def test_rows_of_another_boot_are_not_settled(tmp_path: Path) -> None:
    outbox = filled(tmp_path / "o.db", 2, boot=1)
    outbox.append(JOURNAL, [(2, number, note(number)) for number in (1, 2, 3)])
    outbox.sent(ids(outbox))
    outbox.settle(2, 3)
    assert outbox.kept(JOURNAL) == 2
    assert outbox.send_again(2, [SeqSpan(1, 3)]) == (Gone(2, 1, 3),)
    assert outbox.send_again(1, [SeqSpan(1, 2)]) == ()
    assert outbox.pending(JOURNAL) == 2


@pytest.mark.parametrize(("count", "kept", "dropped"), [(2, 2, 0), (3, 3, 0), (4, 3, 1), (7, 3, 4)])
def test_a_fleet_that_acknowledges_nothing_fills_no_card(
    tmp_path: Path, count: int, kept: int, dropped: int
) -> None:
    outbox = filled(tmp_path / "o.db", count, sent_limit=3)
    outbox.sent(ids(outbox))
    assert (outbox.kept(JOURNAL), outbox.pending(JOURNAL)) == (kept, 0)
    assert (outbox.unconfirmed_dropped, outbox.dropped[JOURNAL]) == (dropped, 0)


def test_at_the_limit_what_the_broker_has_is_not_counted_as_lost(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "o.db", limits=LIMITS)
    outbox.append(JOURNAL, [(1, number, note(number)) for number in (1, 2, 3)])
    outbox.sent(ids(outbox, limit=2))
    outbox.append(JOURNAL, [(1, number, note(number)) for number in (4, 5, 6)])
    assert (outbox.unconfirmed_dropped, outbox.dropped[JOURNAL]) == (2, 1)
    assert (outbox.pending(JOURNAL), outbox.kept(JOURNAL)) == (3, 3)
    assert outbox.fields() == {
        "journal_pending_count": 3,
        "journal_unconfirmed_count": 0,
        "outbox_unconfirmed_dropped_count": 2,
        "outbox_dropped_journal_count": 1,
        "outbox_dropped_event_count": 0,
    }


class Held:
    """Rows that a disk refused."""

    boot = 1

    def __init__(self, seqs: list[int]) -> None:
        self.seqs = seqs

    def held(self, kind: str) -> int:
        return len(self.seqs) if kind == JOURNAL else 0

    def peek(self, kind: str, limit: int) -> list[tuple[int, bytes]]:
        return [(-seq, b"") for seq in self.seqs[:limit]] if kind == JOURNAL else []

    def forget(self, kind: str, identities: Collection[int]) -> None:
        self.seqs = [seq for seq in self.seqs if kind != JOURNAL or -seq not in identities]


def test_what_only_memory_holds_stays_there_until_the_fleet_has_it(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "o.db")
    held = outbox.memory = Held([4, 5, 6])
    outbox.sent(ids(outbox))
    assert (ids(outbox), outbox.pending(JOURNAL), outbox.kept(JOURNAL)) == ([], 0, 3)
    assert outbox.send_again(1, [SeqSpan(5, 7)]) == (Gone(1, 7, 7),)
    assert ids(outbox) == [-5, -6]
    outbox.settle(1, 5)
    assert held.seqs == [6]
    assert outbox.send_again(9, [SeqSpan(5, 5)]) == (Gone(9, 5, 5),)
