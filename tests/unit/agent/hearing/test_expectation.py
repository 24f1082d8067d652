import pytest

from agent.health.usage import Level, Usage, count, level
from agent.hearing.expectation import (
    FEWER_HOURS,
    HOUR_US,
    Past,
    expected_frames,
    fewer,
    learn,
    suspicion,
)

DAY_US = 24 * HOUR_US


def past_of(frames_an_hour: float, days: int = 5) -> Past:
    past = Past()
    for _ in range(days):
        for hour in range(24):
            past = learn(past, hour, round(frames_an_hour))
    return past


@pytest.mark.parametrize(
    ("frames_an_hour", "minutes", "suspected"),
    [(80, 59, False), (80, 60, True), (800, 6, True), (800, 5, False), (0, 1440, False), (1, 1440, False)],
)
def test_silence_is_judged_by_the_own_past(frames_an_hour: int, minutes: int, suspected: bool) -> None:
    now_us = 100 * DAY_US + 5 * HOUR_US
    why = suspicion(past_of(frames_an_hour), now_us - minutes * 60_000_000, now_us)
    assert (why is not None) is suspected
    assert why is None or why.values["silent_min"] == minutes


def test_a_young_past_suspects_nothing() -> None:
    assert suspicion(past_of(1000, days=2), 0, DAY_US) is None
    assert suspicion(past_of(1000, days=3), 0, DAY_US)


def test_quiet_nights_are_known() -> None:
    past = Past()
    for _ in range(7):
        for hour in range(24):
            past = learn(past, hour, 200 if 8 <= hour < 18 else 0)
    assert suspicion(past, 18 * HOUR_US, 32 * HOUR_US - 1) is None
    assert suspicion(past, 18 * HOUR_US, 33 * HOUR_US)


def test_the_mean_follows_a_network_that_changes() -> None:
    past = past_of(100, days=30)
    for _ in range(60):
        past = learn(past, 3, 10)
    assert past.means[3] == pytest.approx(10, abs=2)


def test_a_day_at_most_is_counted_on() -> None:
    past = past_of(100)
    assert expected_frames(past, 0, 50 * DAY_US) == pytest.approx(
        expected_frames(past, 49 * DAY_US, 50 * DAY_US)
    )


@pytest.mark.parametrize(
    ("used", "cap", "expected"),
    [
        (79, 100, Level.NORMAL),
        (80, 100, Level.NEAR),
        (89, 100, Level.NEAR),
        (90, 100, Level.LOW),
        (99, 100, Level.LOW),
        (100, 100, Level.OVER),
        (10**12, None, Level.NORMAL),
    ],
)
def test_levels_of_the_month(used: int, cap: int | None, expected: Level) -> None:
    assert level(Usage(used_bytes=used), cap) is expected


def test_a_new_month_begins_at_what_came_since() -> None:
    before = Usage(month="2026-11", used_bytes=500, counter_bytes=100)
    assert count(before, "2026-12", 130) == Usage(month="2026-12", used_bytes=30, counter_bytes=130)


@pytest.mark.parametrize(("received", "is_strange"), [(60, True), (61, False)])
def test_a_tenth_of_the_usual_frames_is_strange_and_more_is_not(received: int, is_strange: bool) -> None:
    hours = ((100.0, received), *[(100.0, 0)] * (FEWER_HOURS - 1))
    assert (fewer(hours) is not None) is is_strange
    assert fewer(hours[1:]) is None, "an hour too few"
