"""A log that repeats stays small, says how much it left out, and forgets no other event."""

from io import StringIO, TextIOWrapper
from pathlib import Path

from agent.wire.log_limit import (
    EVENTS_LIMIT,
    LINES_A_MINUTE,
    MINUTE_US,
    LogBudget,
    LogLimit,
    LogStream,
    admit,
)


class Dropped(Exception):
    """Stands for structlog's DropEvent."""


class Log:
    """A log behind the limit, and the lines that were written."""

    def __init__(self) -> None:
        self.now_us = 0
        self.written: list[dict[str, object]] = []
        self.limit = LogLimit(lambda: self.now_us, Dropped)

    def say(self, event: str, level: str = "error", **values: object) -> None:
        try:
            self.written.append(dict(self.limit(None, level, {"event": event, **values})))
        except Dropped:
            return


def test_a_day_of_a_full_disk_is_bounded_and_counted() -> None:
    log = Log()
    tries = 0
    while log.now_us < 24 * 60 * MINUTE_US:
        log.say("disk_full", path="/var/lib/passerelle/spool.db")
        tries += 1
        log.now_us += 2_000_000
    lines = 24 * 60 * LINES_A_MINUTE
    assert len(log.written) == lines
    said = sum(int(str(line.get("left_out", 0))) for line in log.written)
    assert tries - lines - said == tries // (24 * 60) - LINES_A_MINUTE, "only those of the last minute"


def test_another_event_and_another_level_have_their_own_budget() -> None:
    log = Log()
    for _ in range(LINES_A_MINUTE + 5):
        log.say("disk_full")
    log.say("broker_lost")
    log.say("disk_full", level="warning")
    assert len(log.written) == LINES_A_MINUTE + 2


def test_values_pass_unchanged() -> None:
    log = Log()
    log.say("disk_full", path="/x")
    assert log.written == [{"event": "disk_full", "path": "/x"}]


def test_the_number_of_events_is_bounded() -> None:
    budgets: dict[str, LogBudget] = {}
    for index in range(3 * EVENTS_LIMIT):
        budgets, written, _ = admit(budgets, f"event {index}", 0)
        assert written
        assert len(budgets) <= EVENTS_LIMIT


def test_a_log_that_cannot_be_written_raises_nothing_and_says_so_later() -> None:
    with Path("/dev/full").open("wb", buffering=0) as nowhere:
        stream = LogStream(TextIOWrapper(nowhere))
        for _ in range(3):
            stream.write("event='a'\n")
            stream.flush()
        assert stream.failed == 3
        stream._stream = there = StringIO()
        stream.write("event='b'\n")
    assert there.getvalue() == "event='log_unwritable' failed=3\nevent='b'\n"
    assert stream.failed == 0
