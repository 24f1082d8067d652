"""Who is out, or about to be: each source of it with its window."""

from dataclasses import replace

import pytest

from fleet.durations import HOUR_US, MINUTE_US
from fleet.facts.model import Maintenance
from fleet.facts.months import Window
from fleet.safety.absences import (
    OUT_US,
    command_absences,
    permit_absences,
    rollout_absences,
    visit_absences,
    works_absences,
)
from fleet.safety.model import REPAIR_LIMITS, Absence, AbsenceKind, Question, SafetyLimits

NOW_US = 1_796_000_000_000_000
NOTICE_US = 72 * HOUR_US
WORKS = Maintenance(
    id="12",
    euis=("a", "b"),
    start_us=NOW_US,
    end_us=NOW_US + HOUR_US,
    announced_at_us=NOW_US - NOTICE_US,
    recorded_at_us=NOW_US - NOTICE_US,
    approved_by="noc",
)


@pytest.mark.parametrize(
    ("works", "excused"),
    [
        (WORKS, True),
        (replace(WORKS, recorded_at_us=WORKS.recorded_at_us + 1), False),
        (replace(WORKS, announced_at_us=WORKS.announced_at_us + 1), True),
        (replace(WORKS, approved_by=""), False),
    ],
    ids=["in time", "recorded late", "typed late, recorded in time", "approved by nobody"],
)
def test_works_take_out_each_of_their_gateways_and_excuse_when_approved_in_time(works, excused):
    window = Window(NOW_US, NOW_US + HOUR_US)
    expected = [
        Absence(eui=eui, window=window, kind=AbsenceKind.WORKS, reference="12", excused=excused)
        for eui in ("a", "b")
    ]
    assert list(works_absences([works], NOTICE_US)) == expected


def test_withdrawn_works_take_nobody_out():
    assert list(works_absences([replace(WORKS, withdrawn=True)], NOTICE_US)) == []


@pytest.mark.parametrize(
    ("found", "kind", "minutes", "reference"),
    [
        (permit_absences({"a": NOW_US}, ()), AbsenceKind.PERMIT, 5, ""),
        (permit_absences({"a": NOW_US}, {"a"}), AbsenceKind.PERMIT, 65, ""),
        (command_absences({"a": NOW_US}), AbsenceKind.COMMAND, 10, ""),
        (visit_absences([("a", NOW_US, 7)]), AbsenceKind.VISIT, 240, "7"),
        (rollout_absences([("a", NOW_US, "spring")]), AbsenceKind.ROLLOUT, 65, "spring"),
    ],
    ids=["permit", "permit, version not settled", "restart", "visit", "rollout"],
)
def test_whoever_is_out_is_out_for_the_longest_that_it_takes(found, kind, minutes, reference):
    window = Window(NOW_US, NOW_US + minutes * MINUTE_US)
    assert list(found) == [Absence(eui="a", window=window, kind=kind, reference=reference)]


def test_a_question_without_a_window_asks_for_ten_minutes_and_names_somebody():
    assert OUT_US == 10 * MINUTE_US
    with pytest.raises(ValueError, match="euis"):
        Question(euis=(), window=Window(NOW_US, NOW_US + OUT_US))


def test_a_tenth_of_the_budget_and_a_fifth_of_the_sensors_are_kept_unless_asked_otherwise():
    assert SafetyLimits() == SafetyLimits(budget_left_min_ppm=100_000, alone_sensors_max_ppm=200_000)
    assert (
        SafetyLimits(budget_left_min_ppm=1_000_000, alone_sensors_max_ppm=0).budget_left_min_ppm == 1_000_000
    )


def test_a_repair_may_use_up_the_budget_and_leaves_nobody_alone_more_than_others_do():
    assert SafetyLimits(budget_left_min_ppm=0) == REPAIR_LIMITS
    assert REPAIR_LIMITS.alone_sensors_max_ppm == SafetyLimits().alone_sensors_max_ppm


@pytest.mark.parametrize("name", ["budget_left_min_ppm", "alone_sensors_max_ppm"])
def test_a_limit_is_a_share(name):
    for share in (0, 1_000_000):
        SafetyLimits(**{name: share})
    for beyond in (-1, 1_000_001):
        with pytest.raises(ValueError, match=name):
            SafetyLimits(**{name: beyond})
