"""Pairs of counter and GPS second make a time base: what is taken, what is doubted, when it begins again."""

from dataclasses import replace

import pytest

from hal.gnss.timebase import ABERRANT_LIMIT, AGE_LIMIT_US, SLOPE_LIMIT_PPM, Pairing, Timebase, pair
from hal.units import Micros

SECOND = 1_000_000
GPS_US = 1_400_000_000 * SECOND
BASE = Timebase(pps_us=Micros(5 * SECOND), gps_us=GPS_US)


def test_the_first_pair_counts_at_the_nominal_rate_and_is_put_on_its_whole_second() -> None:
    base, pairing = pair(None, Micros(7), GPS_US + 400_000)
    assert (base, pairing) == (Timebase(pps_us=Micros(7), gps_us=GPS_US), Pairing.FIRST)
    assert (base.rate, base.aberrant, base.crystal_ppm) == (1.0, 0, 0.0)


def test_a_pps_is_of_the_nearest_second() -> None:
    assert pair(None, Micros(7), GPS_US + 600_000)[0].gps_us == GPS_US + SECOND


@pytest.mark.parametrize(
    ("off_us", "passed_s", "pairing"),
    [
        (SLOPE_LIMIT_PPM, 1, Pairing.ACCEPTED),
        (-SLOPE_LIMIT_PPM, 1, Pairing.ACCEPTED),
        (SLOPE_LIMIT_PPM + 1, 1, Pairing.ABERRANT),
        (-SLOPE_LIMIT_PPM - 1, 1, Pairing.ABERRANT),
        (2 * SLOPE_LIMIT_PPM, 2, Pairing.ACCEPTED),
        (2 * SLOPE_LIMIT_PPM + 1, 2, Pairing.ABERRANT),
        (1, 0, Pairing.ABERRANT),
    ],
)
def test_a_crystal_may_be_off_by_so_many_ppm(off_us: int, passed_s: int, pairing: Pairing) -> None:
    latched = Micros(BASE.pps_us + passed_s * SECOND + off_us)
    base, found = pair(BASE, latched, GPS_US + passed_s * SECOND)
    assert found is pairing
    if pairing is Pairing.ACCEPTED:
        assert base.rate == (passed_s * SECOND + off_us) / (passed_s * SECOND)
        assert base.crystal_ppm == pytest.approx(off_us / passed_s)
        assert (base.pps_us, base.gps_us, base.aberrant) == (latched, GPS_US + passed_s * SECOND, 0)
    else:
        assert base == replace(BASE, aberrant=1)


def test_doubt_ends_with_a_good_pair_and_at_its_limit_all_begins_again() -> None:
    doubted = BASE
    for count in range(1, ABERRANT_LIMIT):
        doubted, pairing = pair(doubted, Micros(BASE.pps_us + 40 * SECOND + count), GPS_US + SECOND)
        assert (pairing, doubted.aberrant) == (Pairing.ABERRANT, count)
    good, pairing = pair(doubted, Micros(BASE.pps_us + 2 * SECOND), GPS_US + 2 * SECOND)
    assert (pairing, good.aberrant) == (Pairing.ACCEPTED, 0)
    begun, pairing = pair(doubted, Micros(BASE.pps_us + 50 * SECOND), GPS_US + SECOND)
    assert pairing is Pairing.RESTARTED
    assert begun == Timebase(pps_us=Micros(BASE.pps_us + 50 * SECOND), gps_us=GPS_US + SECOND)


def test_the_same_latch_again_changes_nothing() -> None:
    assert pair(BASE, BASE.pps_us, GPS_US + SECOND) == (BASE, Pairing.REPEATED)


@pytest.mark.parametrize(
    ("age_us", "fresh"), [(-1, False), (0, True), (AGE_LIMIT_US, True), (AGE_LIMIT_US + 1, False)]
)
def test_a_reference_is_fresh_from_its_pps_until_its_limit(age_us: int, fresh: bool) -> None:
    assert BASE.fresh(Micros(BASE.pps_us + age_us)) is fresh


def test_a_crystal_that_runs_fast_counts_more_in_a_second_of_gps() -> None:
    fast = replace(BASE, rate=1.000_01)
    assert fast.counter_at(GPS_US + 10 * SECOND) == BASE.pps_us + 10 * SECOND + 100
    assert fast.gps_at(Micros(BASE.pps_us + 10 * SECOND + 100)) == GPS_US + 10 * SECOND
    assert fast.crystal_ppm == pytest.approx(10)
