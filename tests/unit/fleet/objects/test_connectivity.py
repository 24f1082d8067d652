"""Objects per day and per 14 days; « non vérifiable » without the list or without the events."""

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.objects.connectivity import COUNT_EVERY_US, DayCount, connectivity, day_to_count

NOW_US = 1_790_000_000_000_000


def day(number, heard=0, *, objects=2, within=None, events=True, addresses=None):
    return DayCount(
        day=f"2026-10-{number:02d}",
        objects=objects,
        heard=heard,
        heard_fortnight=heard if within is None else within,
        events=events,
        addresses_by_gateways=addresses or {},
    )


def test_not_verifiable_without_both():
    assert connectivity([]).daily is None
    assert connectivity([day(1, objects=0)]).daily is None
    assert connectivity([day(1, events=False)]).fortnight is None
    assert connectivity([day(1, events=False)]).daily_met is None


def test_mean_over_the_days_that_can_be_verified():
    found = connectivity([day(2, 1, within=2), day(1, 2), day(3, events=False)])
    assert (found.daily, found.fortnight) == (Fraction(3, 4), 1)
    assert (found.days_counted, found.objects) == (2, 2)
    assert (found.daily_met, found.fortnight_met) == (False, True)


@pytest.mark.parametrize(("heard", "met"), [(899, False), (900, True)])
def test_the_promise_holds_from_ninety_percent_on(heard, met):
    assert connectivity([day(1, heard, objects=1000)]).daily_met is met


@pytest.mark.parametrize(("heard", "met"), [(949, False), (950, True)])
def test_the_monthly_rate_is_that_of_the_last_day_that_counts(heard, met):
    days = [
        replace(day(1, 1, objects=1000), heard_month=999),
        replace(day(2, 1, objects=1000), heard_month=heard),
    ]
    found = connectivity([*days, replace(day(3, events=False), heard_month=1000)])
    assert (found.monthly, found.monthly_met) == (Fraction(heard, 1000), met)
    assert connectivity([]).monthly is None


def test_frames_heard_by_two_gateways_stand_beside_days():
    found = connectivity([day(1), replace(day(2, addresses={1: 1, 2: 9}), frames=100, frames_redundant=81)])
    assert (found.redundant, found.redundant_frames) == (Fraction(9, 10), Fraction(81, 100))
    assert connectivity([day(1)]).redundant_frames is None


def test_addresses_and_by_how_many_gateways():
    found = connectivity([day(1, addresses={1: 3, 2: 4, 5: 1}), day(2, addresses={2: 2})])
    assert found.redundant == Fraction(7, 10)
    assert (found.days[0].addresses, found.days[0].addresses_redundant) == (8, 5)
    assert found.addresses_mean == 5


def test_the_oldest_day_that_is_missing_is_counted_first():
    counted = {"2026-10-01": (NOW_US, 2)}
    assert day_to_count(counted, "2026-10-01", "2026-10-04", objects=2, now_us=NOW_US) == "2026-10-02"
    assert day_to_count({}, "2026-10-04", "2026-10-04", objects=2, now_us=NOW_US) is None


def test_a_young_day_is_counted_again_a_day_later():
    counted = {"2026-10-03": (NOW_US, 2)}
    for age_us, expected in ((COUNT_EVERY_US - 1, None), (COUNT_EVERY_US, "2026-10-03")):
        found = day_to_count(counted, "2026-10-03", "2026-10-04", objects=2, now_us=NOW_US + age_us)
        assert found == expected


def test_a_day_without_a_list_is_counted_again_when_there_is_one():
    counted = {"2026-08-01": (NOW_US, 0)}
    later = NOW_US + 90 * COUNT_EVERY_US
    assert day_to_count(counted, "2026-08-01", "2026-08-02", objects=0, now_us=NOW_US) is None
    assert day_to_count(counted, "2026-08-01", "2026-08-02", objects=1, now_us=NOW_US) == "2026-08-01"
    old = {"2026-08-01": (NOW_US, 1)} | {f"2026-08-{n:02d}": (later, 1) for n in range(2, 30)}
    assert day_to_count(old, "2026-08-01", "2026-08-29", objects=1, now_us=later) is None


@given(st.lists(st.sets(st.integers(0, 70)), min_size=1, max_size=6))
def test_counting_in_sql_is_counting_sets(tmp_path_factory, heard_on):
    from tests.unit.fleet.objects.counted import Counted

    first = date(2026, 9, 1)
    with Counted(tmp_path_factory) as counted:
        for number, offsets in enumerate(heard_on):
            counted.hears(f"{number:016x}", [(first + timedelta(days=one)).isoformat() for one in offsets])
        for number in (0, 13, 29, 30, 44, 60):
            told = counted.count((first + timedelta(days=number)).isoformat())
            assert told.heard == sum(number in one for one in heard_on)
            within = set(range(number - 13, number + 1))
            assert told.heard_fortnight == sum(bool(one & within) for one in heard_on)
            assert told.objects == len(heard_on)
