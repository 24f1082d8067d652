"""Proof of delivery while the wall clock steps by years: a span says when its frames were really received."""

import pytest

from agent.evidence.accounts import CLOCK_STEP_US, REPORT_INTERVAL_US, Accounts
from agent.wire.messages import Delivered
from tests.datapath.virtual import JUNE_2024_US

YEAR_US = 365 * 86_400_000_000


class Watched:
    """Accounts that are asked once a second, as the data path does."""

    def __init__(self, utc_us: int) -> None:
        self.now_us, self.offset_us = 0, utc_us
        self.accounts = Accounts(contractual="lns", utc_us=utc_us, monotonic_us=0)
        self.told: list[Delivered] = []

    def run(self, duration_us: int) -> None:
        for _ in range(duration_us // 1_000_000):
            self.now_us += 1_000_000
            utc_us = self.now_us + self.offset_us
            span = self.accounts.span(
                until_us=utc_us, utc_us=utc_us, monotonic_us=self.now_us, behind=False, boot=1
            )
            self.told += [span] if span is not None else []


@pytest.mark.parametrize("years", [-30, -1, 1, 30])
def test_a_step_by_years_moves_the_span_that_runs_and_ends_no_proof(years: int) -> None:
    watched = Watched(JUNE_2024_US)
    watched.run(REPORT_INTERVAL_US)
    watched.run(60_000_000)
    watched.accounts.settled("lns", 3, None)
    watched.offset_us += years * YEAR_US
    watched.run(REPORT_INTERVAL_US)
    first, second = watched.told
    assert second.received_from_us == first.received_until_us + years * YEAR_US
    assert second.received_until_us - second.received_from_us == REPORT_INTERVAL_US
    assert second.frames == 3
    assert watched.accounts.counts["clock.stepped"] == 1


def test_a_clock_that_is_disciplined_slowly_leaves_no_hole_between_spans() -> None:
    watched = Watched(JUNE_2024_US)
    for _ in range(2 * REPORT_INTERVAL_US // 1_000_000):
        watched.offset_us += 500
        watched.run(1_000_000)
    first, second = watched.told
    assert second.received_from_us == first.received_until_us
    assert watched.accounts.counts["clock.stepped"] == 0


def test_a_second_is_no_step_and_more_is() -> None:
    for step_us, steps in ((CLOCK_STEP_US, 0), (CLOCK_STEP_US + 1, 1), (-CLOCK_STEP_US - 1, 1)):
        watched = Watched(JUNE_2024_US)
        watched.offset_us += step_us
        watched.run(1_000_000)
        assert watched.accounts.counts["clock.stepped"] == steps


def test_what_an_earlier_run_left_is_covered_although_the_gateway_starts_in_1970() -> None:
    watched = Watched(0)
    watched.accounts.reaches_back(JUNE_2024_US - 3_600_000_000)
    watched.offset_us = JUNE_2024_US
    watched.run(REPORT_INTERVAL_US)
    assert [span.received_from_us for span in watched.told] == [JUNE_2024_US - 3_600_000_000]
