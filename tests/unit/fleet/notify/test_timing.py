import pytest

from fleet.notify.timing import (
    ATTEMPTS_LIMIT,
    next_attempt_us,
    quiet_until_us,
    throttled_until_us,
    wake_at_us,
)
from tests.stories.world import HOUR, MINUTE, paris


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-22 21:59:59", None),
        ("2026-11-22 22:00:00", "2026-11-23 07:00:00"),
        ("2026-11-23 06:59:59", "2026-11-23 07:00:00"),
        ("2026-11-23 07:00:00", None),
        ("2026-03-28 23:00:00", "2026-03-29 07:00:00"),
        ("2026-10-25 01:00:00", "2026-10-25 07:00:00"),
    ],
)
def test_quiet_hours_are_hours_of_paris_also_when_clocks_change(now: str, until: str | None) -> None:
    assert quiet_until_us(paris(now)) == (None if until is None else paris(until))


def test_critical_wakes_and_others_wait_but_not_past_what_the_four_hours_need() -> None:
    night = paris("2026-11-23 02:00:00")
    assert wake_at_us(critical=True, on_site_due_us=night + 4 * HOUR, now_us=night) == night
    assert wake_at_us(critical=False, on_site_due_us=night + 4 * HOUR, now_us=night) == night + 2 * HOUR
    assert wake_at_us(critical=False, on_site_due_us=night + HOUR, now_us=night) == night
    assert wake_at_us(critical=False, on_site_due_us=None, now_us=night) == paris("2026-11-23 07:00:00")
    late = paris("2026-11-23 06:00:00")
    assert wake_at_us(critical=False, on_site_due_us=late + 4 * HOUR, now_us=late) == paris(
        "2026-11-23 07:00:00"
    )
    noon = paris("2026-11-23 12:00:00")
    assert wake_at_us(critical=False, on_site_due_us=noon + HOUR, now_us=noon) == noon


@pytest.mark.parametrize(
    ("sent_minutes_ago", "wait_minutes"),
    [
        ([], 0),
        ([1] * 4, 0),
        ([1] * 5, 14),
        ([14, 13, 12, 2, 1], 1),
        ([15, 13, 12, 2, 1], 0),
        ([20] * 11, 40),
        ([59, *[20] * 11], 40),
        ([16, 14, *[1] * 4], 1),
        ([14, 9, *[1] * 4], 6),
    ],
)
def test_throttle(sent_minutes_ago: list[int], wait_minutes: int) -> None:
    now = 100 * HOUR
    assert (
        throttled_until_us([now - ago * MINUTE for ago in sent_minutes_ago], now)
        == now + wait_minutes * MINUTE
    )


@pytest.mark.parametrize(
    ("attempts", "patient", "wait_s"),
    [
        (1, False, 5),
        (2, False, 10),
        (7, False, 320),
        (8, False, 600),
        (ATTEMPTS_LIMIT - 1, False, 600),
        (ATTEMPTS_LIMIT, False, None),
        (ATTEMPTS_LIMIT, True, 600),
    ],
)
def test_a_sender_waits_twice_as_long_each_time_up_to_ten_minutes(
    attempts: int, patient: bool, wait_s: int | None
) -> None:
    found = next_attempt_us(attempts, HOUR, patient=patient)
    assert found == (None if wait_s is None else HOUR + wait_s * 1_000_000)
