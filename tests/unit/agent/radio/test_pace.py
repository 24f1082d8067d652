"""The pace of looks at the FIFO against trains of frames at random instants, in virtual time."""

import random

import pytest

from agent.radio.pace import (
    ALERT_INTERVAL_US,
    ALERT_WINDOW_US,
    BUSY_INTERVAL_US,
    BUSY_WINDOWS,
    IDLE_INTERVAL_US,
    LONG_WINDOW_US,
    SHORT_WINDOW_US,
    STEADY_FRAMES,
    STEADY_INTERVAL_US,
    Pace,
)

(SHORT_FRAMES, _), (LONG_FRAMES, _) = BUSY_WINDOWS
SEEDS = range(10)
SECOND_US = 1_000_000


def arrivals_of(per_s: float, duration_s: int, seed: int) -> list[float]:
    """Return instants (us) of frames at random, so many a second on average."""
    rng, instants = random.Random(seed), [0.0]
    while instants[-1] < duration_s * SECOND_US:
        instants.append(instants[-1] + rng.expovariate(per_s) * SECOND_US)
    return instants[1:]


def looked_at(per_s: float, duration_s: int) -> tuple[list[float], float]:
    """Return how long frames waited in the FIFO (us, sorted; all seeds), and the looks a second."""
    waits: list[float] = []
    looks = lasted_us = 0
    for seed in SEEDS:
        pace, arrivals, now_us, fetched = Pace(), arrivals_of(per_s, duration_s, seed), 0, 0
        while fetched < len(arrivals):
            before = fetched
            while fetched < len(arrivals) and arrivals[fetched] <= now_us:
                waits.append(now_us - arrivals[fetched])
                fetched += 1
            pace.frames_received(fetched - before, now_us)
            looks += 1
            now_us += pace.interval_us(now_us)
        lasted_us += now_us
    return sorted(waits), looks * SECOND_US / lasted_us


def test_dense_traffic_does_not_wait_for_the_fifo() -> None:
    """DESIGN §11: median 5 ms, p99 15 ms from the antenna to the socket; the FIFO leaves 3 and 4 of them."""
    waits, _ = looked_at(50, 20)
    assert waits[len(waits) // 2] <= 2_000
    assert waits[int(len(waits) * 0.99)] <= 11_000


def test_dense_traffic_does_not_wait_while_it_begins_either() -> None:
    """Ten seconds from silence on: their first half second is more than one of a hundred frames."""
    waits, _ = looked_at(50, 10)
    assert waits[int(len(waits) * 0.99)] <= 12_000


def test_steady_traffic_does_not_cost_more_looks_than_it_may() -> None:
    """3 % of a core at 20 frames/s; a look is some 0.1 ms of processor, a frame the rest."""
    _, looks_per_s = looked_at(20, 20)
    assert looks_per_s <= 50


def test_rare_frames_wait_half_an_interval() -> None:
    waits, looks_per_s = looked_at(2, 30)
    assert waits[len(waits) // 2] <= ALERT_INTERVAL_US * 0.55
    assert waits[-1] <= IDLE_INTERVAL_US
    assert looks_per_s <= SECOND_US / ALERT_INTERVAL_US


def test_a_quiet_gateway_looks_at_most_forty_times_a_second() -> None:
    assert SECOND_US / Pace().interval_us(0) <= 40


@pytest.mark.parametrize(
    ("frames", "later_us", "expected"),
    [
        (0, 0, IDLE_INTERVAL_US),
        (1, 0, ALERT_INTERVAL_US),
        (1, ALERT_WINDOW_US, ALERT_INTERVAL_US),
        (1, ALERT_WINDOW_US + 1, IDLE_INTERVAL_US),
        (STEADY_FRAMES - 1, SHORT_WINDOW_US, ALERT_INTERVAL_US),
        (STEADY_FRAMES, SHORT_WINDOW_US - 1, ALERT_INTERVAL_US),
        (STEADY_FRAMES, SHORT_WINDOW_US, STEADY_INTERVAL_US),
        (STEADY_FRAMES, LONG_WINDOW_US, STEADY_INTERVAL_US),
        (STEADY_FRAMES, LONG_WINDOW_US + 1, ALERT_INTERVAL_US),
        (SHORT_FRAMES - 1, 0, ALERT_INTERVAL_US),
        (SHORT_FRAMES, SHORT_WINDOW_US, BUSY_INTERVAL_US),
        (SHORT_FRAMES, SHORT_WINDOW_US + 1, STEADY_INTERVAL_US),
        (LONG_FRAMES - 1, SHORT_WINDOW_US + 1, STEADY_INTERVAL_US),
        (LONG_FRAMES, LONG_WINDOW_US, BUSY_INTERVAL_US),
        (LONG_FRAMES, LONG_WINDOW_US + 1, ALERT_INTERVAL_US),
        (LONG_FRAMES, ALERT_WINDOW_US + 1, IDLE_INTERVAL_US),
        (1000, 0, BUSY_INTERVAL_US),
    ],
)
def test_the_pace_follows_the_traffic(frames: int, later_us: int, expected: int) -> None:
    pace = Pace()
    pace.frames_received(frames, 0)
    assert pace.interval_us(later_us) == expected
