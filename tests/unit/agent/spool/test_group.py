"""Group commit: when, what, and what is spared."""

import pytest

from agent.spool.group import COMMIT_DELAY_US, COMMIT_FRAMES, MEMORY_LIMIT_RECORDS, Group
from tests.datapath.virtual import record


def test_nothing_is_due_while_nothing_waits() -> None:
    assert Group().due_at_us() is None
    assert Group().take(10**9) is None


def test_a_commit_is_due_200_ms_after_the_first_frame() -> None:
    group = Group()
    group.add(record(1), 1, 100)
    group.add(record(2), 1, 150_000)
    assert group.due_at_us() == 100 + COMMIT_DELAY_US
    assert group.take(99 + COMMIT_DELAY_US) is None
    batch = group.take(100 + COMMIT_DELAY_US)
    assert batch is not None
    assert [written.id for written, _ in batch.written] == [1, 2]
    assert group.due_at_us() is None


@pytest.mark.parametrize(
    ("frames", "due"), [(COMMIT_FRAMES - 1, COMMIT_DELAY_US), (COMMIT_FRAMES, 0), (65, 0)]
)
def test_a_commit_is_due_at_once_with_64_frames(frames: int, due: int) -> None:
    group = Group()
    for n in range(frames):
        group.add(record(n), 1, 0)
    assert group.due_at_us() == due


def test_a_frame_that_all_acknowledged_in_time_is_never_written() -> None:
    group = Group()
    group.add(record(1), 0b11, 0)
    assert not group.settle(1, 0b01, 10)
    assert group.settle(1, 0b10, 20)
    assert (group.spared, group.due_at_us()) == (1, None)


def test_a_settlement_after_the_commit_is_written_itself() -> None:
    group = Group()
    group.add(record(1), 0b11, 0)
    group.take(COMMIT_DELAY_US)
    group.settle(1, 0b01, 300_000)
    group.settle(1, 0b10, 300_001)
    batch = group.take(300_000 + COMMIT_DELAY_US)
    assert batch is not None
    assert (batch.written, batch.settled) == ((), ((1, 0b11),))


def test_a_failed_batch_comes_back_without_what_was_acknowledged_meanwhile() -> None:
    group = Group()
    group.add(record(1), 1, 0)
    group.add(record(2), 1, 0)
    batch = group.take(COMMIT_DELAY_US)
    assert batch is not None
    group.settle(1, 1, COMMIT_DELAY_US)
    group.give_back(batch, COMMIT_DELAY_US)
    again = group.take(2 * COMMIT_DELAY_US)
    assert again is not None
    assert ([written.id for written, _ in again.written], again.settled) == ([2], ())


@pytest.mark.parametrize(("frames", "lost"), [(MEMORY_LIMIT_RECORDS, 0), (MEMORY_LIMIT_RECORDS + 2, 2)])
def test_memory_keeps_the_newest_records_while_the_disk_takes_none(frames: int, lost: int) -> None:
    group = Group()
    for n in range(frames):
        group.add(record(n), 1, 0)
    batch = group.take(0)
    assert batch is not None
    group.give_back(batch, 1)
    assert [gone.id for gone, _ in group.overflow()] == list(range(lost))
    assert len(group.unwritten) == MEMORY_LIMIT_RECORDS
