"""Which month closes when: a function of now, what is closed, and what came late."""

import pytest

from fleet.facts.months import closes_at_us, month_window
from fleet.lang.paris import paris_us
from fleet.months.closing import AGAIN_US, DAILY_US, MONTHS_LIMIT, WATCH_US, Standing, closable, due

OCTOBER = closes_at_us("2026-10")


def standing(month="2026-10", *, closed=True, looked_at_us=OCTOBER, late=False):
    return Standing(month=month, closed=closed, looked_at_us=looked_at_us, late=late)


def test_a_month_closes_on_the_fourth_at_eight_in_paris():
    assert paris_us(2026, 11, 4, 8) == OCTOBER
    open_ = standing(closed=False, looked_at_us=None)
    assert due([open_], OCTOBER - 1) is None
    assert due([open_], OCTOBER) == "2026-10"


def test_open_months_come_first_the_oldest_of_them():
    months = [standing("2026-08", late=True), *(standing(m, closed=False) for m in ("2026-10", "2026-09"))]
    assert due(months, OCTOBER + AGAIN_US) == "2026-09"


@pytest.mark.parametrize(("since_us", "month"), [(AGAIN_US - 1, None), (AGAIN_US, "2026-10")])
def test_late_facts_are_looked_at_once_an_hour(since_us, month):
    assert due([standing(late=True)], OCTOBER + since_us) == month
    assert due([standing(late=False)], OCTOBER + since_us) is None


def test_a_closed_month_is_looked_at_daily_for_a_month_then_only_for_late_facts():
    assert due([standing()], OCTOBER + DAILY_US - 1) is None
    assert due([standing()], OCTOBER + DAILY_US) == "2026-10"
    assert due([standing()], OCTOBER + WATCH_US) is None
    assert due([standing(late=True)], OCTOBER + WATCH_US) == "2026-10"


def test_a_month_that_a_person_closed_is_looked_at_once():
    assert due([standing(looked_at_us=None)], OCTOBER + WATCH_US) == "2026-10"


def test_months_from_the_first_evidence_to_the_newest_that_may_close():
    assert closable(None, OCTOBER) == ()
    assert closable(month_window("2026-08").end_us - 1, OCTOBER - 1) == ("2026-08", "2026-09")
    assert closable(month_window("2026-08").end_us - 1, OCTOBER) == ("2026-08", "2026-09", "2026-10")
    assert len(closable(0, OCTOBER)) == MONTHS_LIMIT
    assert closable(OCTOBER + 1, OCTOBER) == ()
