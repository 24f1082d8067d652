"""Every indicator of the whole, of groups and of one commune, against the month's own figures."""

from dataclasses import replace
from fractions import Fraction

import pytest

from fleet.availability.indicators import of_commune, of_groups, of_whole, repair_times
from fleet.availability.reckoning import reckon
from fleet.durations import DAY_US
from fleet.facts.states import CommuneState
from fleet.simulation.network import network_month

MONTH = network_month(gateways=12, communes=4, troubles=150, month="2026-10").given
CARDS = tuple(
    replace(card, epci=f"CC {index % 2}", departement="37") for index, card in enumerate(MONTH.communes)
)
GIVEN = replace(MONTH, communes=CARDS)
TOLD = reckon(GIVEN)


def test_the_whole_is_the_month():
    one = of_whole(GIVEN, TOLD)
    assert (one.share, one.deferred, one.budget) == (TOLD.share, TOLD.deferred, TOLD.budget)
    assert one.mean_of_gateways == TOLD.mean_of_gateways
    assert one.outages == sum(figures.outages for figures in TOLD.gateway_figures.values()) > 0
    assert (one.communes, one.gateways) == (4, 12)


def test_groups_share_the_whole():
    groups = of_groups(GIVEN, TOLD, "epci")
    assert [one.name for one in groups] == ["CC 0", "CC 1"]
    assert sum(one.share.served for one in groups) == TOLD.share.served
    assert sum(one.share.charged for one in groups) == TOLD.share.charged
    assert sum(one.communes for one in groups) == 4
    (whole,) = of_groups(GIVEN, TOLD, "departement")
    assert (whole.share, whole.lost_by) == (TOLD.share, of_whole(GIVEN, TOLD).lost_by)
    assert whole.gateways == len({one.eui for one in GIVEN.facts.memberships})


def test_a_commune_is_told_by_its_own_promise():
    insee = CARDS[0].insee
    one, figures = of_commune(GIVEN, TOLD, insee), TOLD.commune_figures[insee]
    assert one.objective_ppm == GIVEN.settings.objective_commune_ppm
    assert (one.share, one.budget) == (figures.share, TOLD.budgets[insee])
    assert one.below_two == Fraction(figures.below_two_us, figures.length_us)
    assert sum(one.lost_by.values()) == figures.by_state_us[CommuneState.LOST]


def test_a_month_that_is_over_burns_nothing():
    over = replace(GIVEN, as_of_us=TOLD.window.end_us + DAY_US)
    one = of_whole(over, reckon(over))
    assert (one.burn, one.breach_at_us) == ((), None)


def test_while_everything_is_lost_the_breach_is_told():
    last = max(
        (span for line in TOLD.communes.values() for span in line.exceptions if span.state == "LOST"),
        key=lambda span: span.length_us,
    )
    insee = next(name for name, line in TOLD.communes.items() if last in line.exceptions)
    during = replace(GIVEN, as_of_us=last.end_us - 1)
    told = reckon(during)
    one = of_commune(during, told, insee)
    assert one.burn[0].long > 0
    left = told.budgets[insee].left
    assert one.breach_at_us == (during.as_of_us + left if left >= 0 else during.as_of_us)


@pytest.mark.parametrize("count", [1, 5])
def test_repair_times_are_those_of_all_outages_together(count):
    gateways = list(TOLD.gateway_figures.values())[:count]
    outages, mtbf_us, mttr_us = repair_times(gateways)
    assert outages == sum(one.outages for one in gateways)
    assert mttr_us * outages <= sum(one.length_us - one.by_state_us["SERVING"] for one in gateways)
    assert mtbf_us * outages <= sum(one.by_state_us["SERVING"] for one in gateways)
