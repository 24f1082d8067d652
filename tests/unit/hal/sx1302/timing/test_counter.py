"""The counter unrolled: across wraps, before and after the reference, torn and slipped readings."""

from hypothesis import given
from hypothesis import strategies as st

from hal.sx1302.timing.counter import (
    TICKS_PER_US,
    TURN_TICKS,
    TURN_US,
    Reading,
    begin,
    not_after,
    unroll,
)
from hal.units import Micros, Ticks32MHz

instants = st.integers(0, 1 << 50)


def reading(counter_us: int, pps_us: int = 0) -> Reading:
    return Reading(
        running=Ticks32MHz(counter_us * TICKS_PER_US % TURN_TICKS),
        pps=Ticks32MHz(pps_us * TICKS_PER_US % TURN_TICKS),
    )


@given(instants, st.integers(-TURN_US // 2 + 1, TURN_US // 2 - 1))
def test_unroll_inverts_wrapping_on_both_sides(true: int, distance: int) -> None:
    assert unroll(true % TURN_US, Micros(true + distance)) == true


@given(instants, st.integers(-(1 << 31) + 1, (1 << 31) - 1))
def test_unroll_serves_the_protocols_counter_too(true: int, distance: int) -> None:
    assert unroll(true % (1 << 32), Micros(true + distance), 1 << 32) == true


@given(st.integers(TURN_US, 1 << 50), st.integers(0, TURN_US - 1))
def test_a_packet_lies_at_most_one_turn_before_its_reading(now: int, age: int) -> None:
    assert not_after((now - age) % TURN_US, Micros(now)) == now - age


def test_the_eight_bytes_are_big_endian_pps_first() -> None:
    # eu868_corecell, idle_poll
    decoded = Reading.decode(bytes.fromhex("03d0900004792d00"))

    assert decoded.pps == 64_000_000
    assert decoded.running == 75_050_240


def test_the_timeline_begins_at_the_counters_own_value() -> None:
    timeline = begin(reading(2_345_320, 2_000_000), host_us=77)

    assert timeline.counter_us == 2_345_320
    assert timeline.pps_us == 2_000_000


@given(
    start=st.integers(0, TURN_US - 1),
    steps=st.lists(st.integers(0, 10 * TURN_US), min_size=1, max_size=20),
    drift_ppm=st.integers(-20, 20),
)
def test_wraps_that_nobody_watched_are_counted(start: int, steps: list[int], drift_ppm: int) -> None:
    """The host's clock drifts against the crystal; the counter may turn many times between readings."""
    timeline = begin(reading(start), host_us=0)
    true = host = 0
    for step in steps:
        true += step
        host += step + step * drift_ppm // 1_000_000
        timeline = timeline.advance(reading(start + true), host)
        assert timeline.counter_us == start + true
    assert timeline.slips == 0


@given(st.integers(0, TURN_US - 1), st.integers(0, 3 * TURN_US))
def test_the_pps_is_expanded_from_the_running_counter(start: int, passed: int) -> None:
    timeline = begin(reading(start), host_us=0)
    pps = max(start + passed - 400_000, 0)

    timeline = timeline.advance(reading(start + passed, pps), passed)

    assert timeline.pps_us == pps


def test_a_pps_that_is_missing_stays_where_it_was() -> None:
    timeline = begin(reading(1_500_000, 1_000_000), host_us=0)
    for turn in range(1, 4):
        passed = turn * TURN_US
        timeline = timeline.advance(reading(1_500_000 + passed, 1_000_000), passed)

    assert timeline.pps_us == 1_000_000


def test_a_torn_reading_is_implausible_and_a_late_one_is_not() -> None:
    timeline = begin(reading(5_000_000), host_us=0)

    assert timeline.plausible(reading(5_010_000), 10_000)
    assert timeline.plausible(reading(5_015_001), 10_000)
    assert not timeline.plausible(reading(5_015_002), 10_000)
    torn = Reading(running=Ticks32MHz(5_010_000 * 32 ^ 1 << 24), pps=Ticks32MHz(0))
    assert not timeline.plausible(torn, 10_000)


def test_tolerance_grows_with_the_drift_of_two_crystals() -> None:
    timeline = begin(reading(0), host_us=0)

    assert timeline.plausible(reading(30_000_000 + 7_999), 30_000_000)
    assert not timeline.plausible(reading(30_000_000 + 8_001), 30_000_000)


def test_a_slip_is_counted() -> None:
    timeline = begin(reading(0), host_us=0).advance(reading(700_000), 10_000)

    assert timeline.slips == 1
    assert timeline.counter_us == 700_000
