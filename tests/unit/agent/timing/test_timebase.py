"""Counter, monotonic clock and GPS time, each from the others; which pulses are believed."""

import pytest

from agent.timing.timebase import (
    PULSE_AGE_LIMIT_US,
    PULSE_DOUBT_US,
    PULSES_KEPT,
    Anchor,
    GpsReference,
    PulseTrain,
    reference_of,
    unroll,
)

SECOND_US = 1_000_000
FAST = 1.000_008
"""A crystal that is 8 ppm fast; beyond 10 a pulse is not believed."""


def latched(second: int, counter_us: int | None = None) -> GpsReference:
    counted = round(second * SECOND_US * FAST) if counter_us is None else counter_us
    return GpsReference(counter_us=counted, gps_us=second * SECOND_US)


def train(*pulses: GpsReference) -> PulseTrain:
    found = PulseTrain()
    for each in pulses:
        found = found.taking(each)
    return found


def test_an_anchor_leads_from_the_clock_to_the_counter_and_back() -> None:
    anchor = Anchor(counter_us=1_000, monotonic_us=70_000, session=1)
    assert (anchor.counter_at(70_005), anchor.monotonic_of(1_005)) == (1_005, 70_005)
    assert (anchor.counter_at(69_995), anchor.monotonic_of(995), anchor.doubt_us) == (995, 69_995, 0)


def test_a_reference_leads_from_gps_time_to_the_counter_and_back_at_its_rate() -> None:
    reference = GpsReference(counter_us=5_000, gps_us=90_000, rate=2.0)
    assert [reference.counter_at(gps_us) for gps_us in (89_990, 90_000, 90_010)] == [4_980, 5_000, 5_020]
    assert [reference.gps_at(counter_us) for counter_us in (4_980, 5_000, 5_020)] == [89_990, 90_000, 90_010]


@pytest.mark.parametrize(
    ("apart_us", "holds"),
    [(30_000_000, True), (30_000_001, False), (-30_000_000, True), (-30_000_001, False)],
)
def test_a_reference_holds_for_thirty_seconds(apart_us: int, holds: bool) -> None:
    assert GpsReference(counter_us=10**9, gps_us=0).holds_at(10**9 + apart_us) is holds


def test_the_rate_is_measured_over_the_last_sixteen_pulses() -> None:
    assert PulseTrain().reference is None
    assert train(latched(1)).reference == latched(1)
    found = train(*(latched(second) for second in range(1, 21)))
    assert len(found.pulses) == PULSES_KEPT == 16
    assert [found.pulses[end].gps_us for end in (0, -1)] == [5 * SECOND_US, 20 * SECOND_US]
    newest = found.reference
    assert newest is not None
    assert newest.rate == (latched(20).counter_us - latched(5).counter_us) / (15 * SECOND_US)


def test_pulses_that_do_not_fit_the_crystal_are_left_out_and_the_third_begins_anew() -> None:
    good = train(latched(1), latched(2))
    assert good.taking(latched(2)).pulses == good.pulses, "the same latch again: no pulse came"
    wrong = [latched(second, counter_us=second * SECOND_US * 2) for second in (3, 4, 5)]
    doubted = good.taking(wrong[0]).taking(wrong[1])
    assert doubted.pulses == good.pulses
    assert doubted.taking(wrong[2]).pulses == (wrong[2],)


@pytest.mark.parametrize(
    ("age_us", "off_us", "is_good"),
    [
        (0, 0, True),
        (-1, 0, False),
        (PULSE_AGE_LIMIT_US, 0, True),
        (PULSE_AGE_LIMIT_US + 1, 0, False),
        (300_000, PULSE_DOUBT_US, True),
        (300_000, PULSE_DOUBT_US + 1, False),
        (300_000, -PULSE_DOUBT_US, True),
        (300_000, -PULSE_DOUBT_US - 1, False),
    ],
)
def test_a_pulse_is_believed_while_it_is_young_and_fits_the_hosts_time(
    age_us: int, off_us: int, is_good: bool
) -> None:
    anchor = Anchor(counter_us=0, monotonic_us=0, session=1)
    now_us = 60 * SECOND_US
    found = reference_of(anchor, now_us - age_us, 500 * SECOND_US + age_us + off_us, now_us)
    expected = GpsReference(counter_us=now_us - age_us, gps_us=500 * SECOND_US)
    assert found == (expected if is_good else None)


@pytest.mark.parametrize("apart_us", [-(1 << 31), -1, 0, 1, (1 << 31) - 1])
def test_a_counter_of_32_bits_is_placed_next_to_the_instant(apart_us: int) -> None:
    near_us = 5 * (1 << 32) + 7
    assert unroll((near_us + apart_us) % (1 << 32), near_us) == near_us + apart_us
