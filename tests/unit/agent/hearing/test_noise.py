import pytest

from agent.hearing.expectation import (
    LEARNED_DAYS,
    MEMORY_DAYS,
    SHIFT_DB,
    Floor,
    NoisePast,
    judge_noise,
    learn_noise,
)


def past_of(floor_dbm: float, days: int) -> NoisePast:
    past = NoisePast()
    for _ in range(days):
        past = learn_noise(past, 5, floor_dbm)
    return past


@pytest.mark.parametrize(
    ("floor_dbm", "expected"),
    [
        (-104.0, Floor.USUAL),
        (-104.0 - SHIFT_DB + 0.1, Floor.USUAL),
        (-104.0 - SHIFT_DB, Floor.FALLEN),
        (-104.0 + SHIFT_DB - 0.1, Floor.USUAL),
        (-104.0 + SHIFT_DB, Floor.RAISED),
    ],
)
def test_a_floor_is_judged_by_the_same_hour_of_other_days(floor_dbm: float, expected: Floor) -> None:
    assert judge_noise(past_of(-104.0, LEARNED_DAYS), 5, floor_dbm)[0] is expected


def test_an_hour_that_is_young_says_nothing() -> None:
    assert judge_noise(past_of(-104.0, LEARNED_DAYS - 1), 5, -140.0) == (Floor.UNKNOWN, None)
    assert judge_noise(past_of(-104.0, 30), 6, -140.0) == (Floor.UNKNOWN, None)


def test_the_mean_forgets() -> None:
    past = past_of(-104.0, 30)
    for _ in range(3 * MEMORY_DAYS):
        past = learn_noise(past, 5, -90.0)
    assert judge_noise(past, 5, -90.0)[0] is Floor.USUAL
