"""How a promise stands, at each edge of the table, and which promise is named first."""

from fractions import Fraction

import pytest

from fleet.availability.burn import Budget
from fleet.availability.figures import Share
from fleet.availability.reckoning import reckon
from fleet.availability.standing import (
    NETWORK,
    REPAIR_US,
    MonthStanding,
    PromiseStanding,
    Standing,
    Why,
    judged,
    month_standing,
)
from fleet.facts.states import CommuneState
from tests.unit.fleet.reports.small_months import small_month

NOW_US = 1_796_000_000_000_000
GOOD, BAD = Share(served=999, charged=1), Share(served=900, charged=100)
OBJECTIVE_PPM = 992_000


@pytest.mark.parametrize(
    ("share", "left", "gone_in_us", "standing", "why"),
    [
        (GOOD, 0, None, Standing.KEPT, Why.NOTHING_LOST_MATTERS),
        (GOOD, -1, None, Standing.BROKEN, Why.BUDGET_USED_UP),
        (BAD, -1, 0, Standing.BROKEN, Why.BUDGET_USED_UP),
        (GOOD, 9, REPAIR_US - 1, Standing.AT_RISK, Why.GONE_BEFORE_REPAIR),
        (GOOD, 9, REPAIR_US, Standing.AT_RISK, Why.GONE_BEFORE_REPAIR),
        (GOOD, 9, REPAIR_US + 1, Standing.KEPT, Why.NOTHING_LOST_MATTERS),
        (BAD, 9, None, Standing.AT_RISK, Why.BELOW_OBJECTIVE),
        (Share(served=0, charged=0), 9, None, Standing.UNCOUNTED, Why.NOTHING_LOST_MATTERS),
        (Share(served=0, charged=0), 9, 0, Standing.AT_RISK, Why.GONE_BEFORE_REPAIR),
    ],
)
def test_a_promise_of_a_month_that_is_not_over(share, left, gone_in_us, standing, why):
    gone_at_us = None if gone_in_us is None else NOW_US + gone_in_us
    budget = Budget(whole=10, spent=10 - left)
    assert judged(share, budget, OBJECTIVE_PPM, gone_at_us=gone_at_us, at_us=NOW_US) == (standing, why)


@pytest.mark.parametrize(
    ("share", "left", "standing"),
    [
        (GOOD, -1, Standing.KEPT),
        (BAD, 9, Standing.BROKEN),
        (Share(served=0, charged=0), 9, Standing.UNCOUNTED),
    ],
)
def test_a_month_that_is_over_is_judged_by_its_share_alone(share, left, standing):
    budget = Budget(whole=10, spent=10 - left)
    assert judged(share, budget, OBJECTIVE_PPM, gone_at_us=None, at_us=None)[0] is standing


def promise(insee, standing, *, gone_at_us=None, left=5):
    return PromiseStanding(
        insee=insee,
        objective_ppm=OBJECTIVE_PPM,
        share=GOOD,
        budget=Budget(whole=10, spent=10 - left),
        losing=Fraction(0),
        today_us=0,
        gone_at_us=gone_at_us,
        standing=standing,
        why=Why.NOTHING_LOST_MATTERS,
    )


def month(whole, *communes):
    return MonthStanding(month="2026-11", whole=whole, communes={one.insee: one for one in communes})


def test_the_worst_is_what_the_month_is_and_the_most_urgent_is_named():
    soon, later = (promise(str(at), Standing.AT_RISK, gone_at_us=at) for at in (1, 2))
    broken = promise("9", Standing.BROKEN)
    kept = promise(NETWORK, Standing.KEPT)
    assert month(kept, promise("3", Standing.UNCOUNTED)).first.insee == NETWORK
    worse = month(kept, later, soon)
    assert (worse.standing, worse.first.insee) == (Standing.AT_RISK, "1")
    worst = month(kept, soon, broken, later)
    assert (worst.standing, worst.first.insee) == (Standing.BROKEN, "9")
    assert [one.insee for one in worst.those(Standing.AT_RISK)] == ["1", "2"]
    assert worst.within(frozenset("2")).standing is Standing.AT_RISK


def test_of_two_that_nothing_uses_up_the_one_with_less_left_is_more_urgent():
    less, more = promise("2", Standing.AT_RISK, left=1), promise("1", Standing.AT_RISK, left=2)
    assert month(promise(NETWORK, Standing.KEPT), more, less).first.insee == "2"


@pytest.mark.parametrize("later_us", [0, 1, 90 * 60 * 1_000_000])
def test_what_is_lost_since_the_figures_is_added_to_what_was_spent(later_us):
    given = small_month(3)
    result = reckon(given)
    states = dict.fromkeys(result.communes, CommuneState.LOST)
    now_us = result.window.end_us + later_us
    month = month_standing(result, given.weights, given.settings, states=states, now_us=now_us)
    assert any(result.budgets[insee].spent for insee in month.communes)
    for insee, promise in month.communes.items():
        assert promise.budget.spent == result.budgets[insee].spent + later_us
        assert promise.budget.whole == result.budgets[insee].whole
        assert promise.losing == 1
    assert month.whole.budget.spent == result.budget.spent + later_us
    assert month.whole.losing == 1


def test_a_state_of_the_newest_cycle_wins_and_serving_loses_nothing_more():
    given = small_month(3)
    result = reckon(given)
    states = dict.fromkeys(result.communes, CommuneState.SERVED)
    now_us = result.window.end_us + 3_600_000_000
    month = month_standing(result, given.weights, given.settings, states=states, now_us=now_us)
    assert {promise.losing for promise in (month.whole, *month.communes.values())} == {0}
    assert month.whole.budget == result.budget
    assert {promise.gone_at_us for promise in month.communes.values()} <= {None, now_us}
