"""What planned works may exclude: their record counts, what was announced weighs, every cap at its edge."""

from dataclasses import replace

import pytest

from fleet.availability.works import allowances, excused, of_commune, of_whole
from fleet.durations import HOUR_US
from fleet.facts.intervals import total
from fleet.facts.model import Maintenance, Membership
from fleet.facts.months import month_window
from fleet.facts.settings import DEFAULTS

MONTH = month_window("2026-10")
NOTICE = DEFAULTS.maintenance_notice_us


def works(number, start_h, length_h, *, month=MONTH, recorded_us=None, **more):
    start_us = month.start_us + start_h * HOUR_US
    return Maintenance(
        id=str(number),
        euis=("a",),
        start_us=start_us,
        end_us=start_us + length_h * HOUR_US,
        announced_at_us=0,
        approved_by="x",
        recorded_at_us=start_us - NOTICE if recorded_us is None else recorded_us,
        **more,
    )


def hours(intervals):
    return [((a - MONTH.start_us) / HOUR_US, (b - MONTH.start_us) / HOUR_US) for a, b in intervals]


@pytest.mark.parametrize(("late_us", "whole"), [(0, True), (1, False)])
def test_the_record_counts_whatever_was_typed(late_us, whole):
    one = works(1, 200, 2)
    one = replace(one, announced_at_us=0, recorded_at_us=one.recorded_at_us + late_us)
    assert bool(excused(one, (one,), DEFAULTS)) is whole
    assert bool(of_commune([one], DEFAULTS)) is whole


def test_a_blanket_uses_up_the_cap_in_its_first_hours():
    assert hours(of_commune([works(1, 0, 168)], DEFAULTS)) == [(0, 4)]


@pytest.mark.parametrize(("length_h", "left"), [(3, [(0, 3), (10, 11)]), (4, [(0, 4)]), (5, [(0, 4)])])
def test_the_cap_of_a_month_at_its_edge(length_h, left):
    assert hours(of_commune([works(1, 0, length_h), works(2, 10, 2)], DEFAULTS)) == left


def test_works_withdrawn_after_they_began_still_weigh_and_before_do_not():
    first, second = works(1, 0, 4), works(2, 100, 2)
    after = replace(first, withdrawn=True, recorded_at_us=first.start_us + 1)
    before = replace(first, withdrawn=True, recorded_at_us=first.start_us)
    assert hours(of_commune([first, after, second], DEFAULTS)) == [(0, 4)]
    assert hours(of_commune([first, before, second], DEFAULTS)) == [(100, 102)]
    assert excused(after, (first, after), DEFAULTS) == []


def test_works_announced_anew_after_their_withdrawal_weigh_again():
    first = works(1, 200, 2, recorded_us=MONTH.start_us - NOTICE)
    withdrawn = replace(first, withdrawn=True, recorded_at_us=first.recorded_at_us + 1)
    anew = replace(first, recorded_at_us=withdrawn.recorded_at_us + 1)
    assert hours(of_commune([first, withdrawn, anew], DEFAULTS)) == [(200, 202)]
    assert of_commune([first, withdrawn], DEFAULTS) == []


def test_the_cap_of_a_year_holds_over_its_months_and_begins_anew_in_the_next():
    found = of_commune(
        [works(number, 100, 4, month=month_window(f"2026-{number:02d}")) for number in range(1, 13)]
        + [works(13, 100, 4, month=month_window("2027-01"))],
        DEFAULTS,
    )
    assert total(found) == DEFAULTS.maintenance_year_cap_us + 4 * HOUR_US
    assert found[-1][0] == month_window("2027-01").start_us + 100 * HOUR_US


def member(insee):
    return Membership(
        id=insee, commune_insee=insee, eui="a", valid_from_us=0, approved_by="x", recorded_at_us=0
    )


@pytest.mark.parametrize(
    ("weights", "hours_of_whole"),
    [({"1": 1, "2": 0}, 4), ({"1": 1, "2": 1}, 2), ({"1": 0, "2": 1}, 0), ({}, None)],
)
def test_the_whole_network_weighs_communes(weights, hours_of_whole):
    members = {"1": (member("1"),), "2": (replace(member("2"), eui="b"),)}
    found = allowances(members, {"a": (works(1, 0, 6),)}, DEFAULTS)
    assert hours(found["1"]) == [(0, 4)]
    assert "2" not in found
    told = {} if hours_of_whole is None else dict.fromkeys(("2026-10", "2026"), hours_of_whole * HOUR_US)
    assert of_whole(found, weights) == told


def test_without_works_nothing_is_allowed():
    assert allowances({"1": (member("1"),)}, {"a": ()}, DEFAULTS) == {}


def test_a_window_over_the_end_of_a_month_takes_from_both():
    late = works(1, 743, 4, month=MONTH)
    assert total(of_commune([late, works(2, 0, 3)], DEFAULTS)) == (4 + 2) * HOUR_US


def test_works_that_nobody_approves_any_more_excuse_nothing_whatever_was_approved_before():
    first = works(1, 200, 2)
    assert excused(first, [first], DEFAULTS) == [(first.start_us, first.end_us)]
    for later in (replace(first, approved_by=""), replace(first, withdrawn=True)):
        assert excused(later, [first, later], DEFAULTS) == []
    never = replace(first, approved_by="")
    assert excused(replace(first, recorded_at_us=first.start_us), [never], DEFAULTS) == []
