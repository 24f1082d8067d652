"""Waits end: at the answer, at the limit, and when the clock itself stands still."""

import pytest

from hal.errors import ChipMisbehaved
from hal.waiting import wait_for


class CountingClock:
    def __init__(self, step_us: int = 1000) -> None:
        self.now_us = 0
        self.step_us = step_us
        self.sleeps = 0

    def sleep(self, seconds: float) -> None:
        self.sleeps += 1
        self.now_us += self.step_us

    def monotonic_us(self) -> int:
        return self.now_us


def test_the_first_answer_costs_no_sleep() -> None:
    clock = CountingClock()

    assert wait_for(lambda: 7, lambda value: value == 7, clock=clock, limit_us=5000, where="x") == 7
    assert clock.sleeps == 0


@pytest.mark.parametrize(("ready_at_us", "comes"), [(4000, True), (5000, True), (6000, False)])
def test_an_answer_counts_up_to_the_limit(ready_at_us: int, comes: bool) -> None:
    clock = CountingClock()

    def ask() -> bool:
        return clock.now_us >= ready_at_us

    if comes:
        assert wait_for(ask, bool, clock=clock, limit_us=5000, where="x")
    else:
        with pytest.raises(ChipMisbehaved, match=r"x: no answer within 5 ms \(last: False\)"):
            wait_for(ask, bool, clock=clock, limit_us=5000, where="x")


def test_a_clock_that_stands_still_hangs_nobody() -> None:
    clock = CountingClock(step_us=0)

    with pytest.raises(ChipMisbehaved, match="last: 00ff"):
        wait_for(lambda: b"\x00\xff", lambda _: False, clock=clock, limit_us=5000, where="x")
    assert clock.sleeps == 6
