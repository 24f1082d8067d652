"""Whether the spool takes frames: each change is recorded once, and a refusal says when it is tried again."""

from types import SimpleNamespace

import pytest

from agent.spool.condition import Condition, State
from agent.wire import reasons
from agent.wire.messages import Change
from agent.wire.reasons import Reason

NOW_US = 7_000_000
FULL = reasons.spool.no_room_to_mend()


class Journal:
    """Keeps what is recorded."""

    def __init__(self) -> None:
        self.records: list[tuple[Change, str, str, Reason]] = []

    def record(self, change: Change, subject: str, value: str, reason: Reason) -> None:
        self.records.append((change, subject, value, reason))


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def condition(journal: Journal) -> Condition:
    clock = SimpleNamespace(monotonic_us=lambda: NOW_US)
    return Condition(clock, journal)  # type: ignore[arg-type]


def test_it_accepts_without_a_word_until_it_was_refused(condition: Condition, journal: Journal) -> None:
    assert (condition.accepting, condition.state) == (False, State.ABSENT)
    condition.accept()
    condition.accept()
    assert (condition.accepting, journal.records) == (True, [])


@pytest.mark.parametrize("state", [State.ABSENT, State.UNNUMBERED, State.FULL])
def test_each_change_is_recorded_once_and_a_refusal_is_tried_again(
    condition: Condition, journal: Journal, state: State
) -> None:
    condition.refuse(state, FULL, 2.5)
    assert (condition.state, condition.accepting, condition.retry_at_us) == (state, False, NOW_US + 2_500_000)
    condition.refuse(state, FULL, 5.0)
    assert condition.retry_at_us == NOW_US + 5_000_000
    condition.accept()
    condition.accept()
    assert journal.records == [
        (Change.SPOOL, "spool", "FULL", FULL),
        (Change.SPOOL, "spool", "ACCEPTING", reasons.spool.writes_again()),
    ]


def test_what_happened_to_the_file_is_recorded_and_whether_it_is_written_next(
    condition: Condition, journal: Journal
) -> None:
    condition.accept()
    condition.report("QUARANTINED", FULL)
    condition.refuse(State.FULL, FULL, 1.0)
    condition.accept()
    assert [value for _, _, value, _ in journal.records] == ["QUARANTINED", "ACCEPTING"]
