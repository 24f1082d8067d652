"""Header, sentence, list, print and API give one verdict on a month, never green beside a broken promise."""

from dataclasses import replace

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fleet.availability.document import digest
from fleet.availability.reckoning import MonthResult, excluded_time, reckon
from fleet.availability.standing import REPAIR_US, MonthStanding, Standing, Why, month_standing
from fleet.durations import MINUTE_US
from fleet.facts.months import month_window
from fleet.facts.settings import DEFAULTS
from fleet.facts.states import CommuneState
from fleet.live.model import CommuneNow, NetworkNow
from fleet.registry.store import Commune
from fleet.reports.monthly import monthly
from fleet.reports.names import Names
from fleet.simulation.network import network_month
from fleet.web.api.availability import By, availability_of
from fleet.web.history import Past
from fleet.web.month_views import MonthView
from fleet.web.rendering import Words
from fleet.web.views.communes import next_breaches, rows_now
from fleet.web.views.frame import Frame, Headline, frame_of
from fleet.web.views.months import view_of
from fleet.web.views.overview import verdict_of

MONTH = "2026-10"
WINDOW = month_window(MONTH)
PARTS = st.integers(1, 1000)
quick = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


def month_at(seed, troubles, permille):
    """A random month as it was known after so many thousandths of it."""
    made = network_month(gateways=6, communes=3, troubles=troubles, month=MONTH, seed=seed).given
    cards = tuple(replace(card, name=f"Commune {card.insee}", epci="CC") for card in made.communes)
    at_us = WINDOW.start_us + WINDOW.length_us * permille // 1000
    return replace(made, communes=cards, as_of_us=at_us)


def network_at(result: MonthResult) -> NetworkNow:
    communes = {}
    for insee, line in result.communes.items():
        state = line.spans[-1].state if line.spans else CommuneState.NOT_COVERED
        left_us = result.budgets[insee].left
        communes[insee] = CommuneNow(
            insee=insee,
            name=f"Commune {insee}",
            epci="CC",
            population=1,
            state=state,
            since_us=line.start_us,
            members=(),
            serving=(),
            budget_left_us=left_us,
        )
    return NetworkNow(at_us=result.window.end_us, communes=communes)


def frame_at(network: NetworkNow, month: MonthStanding) -> Frame:
    return frame_of(network=network, standing=month, open_incidents=0, now_us=network.at_us)


def used_up(given_, result) -> bool:
    """Read from the definitions: some promise has lost more than its month allows."""
    for insee, figures in result.commune_figures.items():
        promised = WINDOW.length_us - excluded_time(figures)
        if insee not in result.not_covered and figures.share.charged * 1_000_000 > 8_000 * promised:
            return True
    covered = [one for one in result.commune_figures.values() if one.insee not in result.not_covered]
    lost = sum(given_.weights[one.insee] * one.share.charged for one in covered)
    allowed = sum(given_.weights[one.insee] * (WINDOW.length_us - excluded_time(one)) for one in covered)
    return lost * 1_000_000 > 300 * allowed + 2_000_000 * sum(given_.weights.values())


@given(st.integers(1, 10_000), st.sampled_from([0, 3, 30, 300, 3000]), PARTS)
@example(1, 3000, 2)
@example(1, 3000, 1000)
@quick
def test_every_view_gives_the_same_verdict_and_none_is_green_beside_a_broken_promise(
    seed, troubles, permille
):
    given_ = month_at(seed, troubles, permille)
    result = reckon(given_)
    month = month_standing(result, given_.weights, given_.settings)
    network = network_at(result)
    frame = frame_at(network, month)
    sentence = verdict_of(Words("fr", network.at_us), frame, network)
    communes = {
        card.insee: Commune(
            insee=card.insee, name=card.name, epci="CC", departement="37", population=1, lat=None, lon=None
        )
        for card in given_.communes
    }
    page = view_of(result, communes, month)
    report = monthly(given_, result, Names())
    view = MonthView(given=given_, result=result, version=None, digest=digest(given_))
    told = availability_of(view, By.COMMUNE, {})

    assert report.standing is month.standing is told["standing"]
    assert page.standing is month.whole.standing is told["whole"]["standing"]
    by_row = {row["insee"]: row["standing"] for row in told["items"]}
    assert {row.insee: row.standing for row in page.communes} == {
        insee: standing for insee, standing in by_row.items() if insee in month.communes
    }
    printed = next(table for table in report.tables if table.name == "communes")
    cells = [row[4] for row in printed.rows]
    assert (cells.count(True), cells.count("en danger"), cells.count(False)) == (
        page.kept,
        page.at_risk,
        page.broken,
    )
    past = Past(
        at_us=network.at_us,
        month=result,
        weights=given_.weights,
        contract=given_.settings,
        gateways={},
        communes={},
    )
    listed = {row.insee for row in next_breaches(rows_now(network, past, month))}
    bad = {Standing.AT_RISK, Standing.BROKEN}
    assert {insee for insee, one in month.communes.items() if one.standing in bad} <= listed
    below = any(
        one.share.meets(one.objective_ppm) is False for one in (month.whole, *month.communes.values())
    )
    if used_up(given_, result):
        assert month.standing is Standing.BROKEN
        assert report.held is False
        assert frame.headline in {Headline.LOST, Headline.BROKEN}
        assert "rompue" in sentence.head or "desservie" in sentence.head
    elif below:
        assert month.standing is not Standing.KEPT
        assert report.held is not True
    if month.standing in bad:
        assert frame.state != CommuneState.SERVED
        assert "tenues" not in sentence.detail
    if month.standing is Standing.BROKEN:
        assert frame.state == CommuneState.LOST
    assert (frame.state == CommuneState.SERVED) == (frame.headline is Headline.KEPT)


@given(st.integers(1, 10_000), PARTS, st.integers(0, 3 * 24 * 60))
@quick
def test_what_is_lost_now_is_in_danger_while_a_repair_could_come_too_late(seed, permille, later_min):
    given_ = month_at(seed, 0, min(permille, 900))
    result = reckon(given_)
    lost = given_.communes[0].insee
    states = dict.fromkeys(result.communes, CommuneState.SERVED) | {lost: CommuneState.LOST}
    at_us = min(result.window.end_us + later_min * MINUTE_US, WINDOW.end_us - 1)
    month = month_standing(result, given_.weights, given_.settings, states=states, now_us=at_us)
    promise = month.communes[lost]
    gone_us = at_us - result.window.end_us
    assert promise.budget.left == result.budgets[lost].left - gone_us
    assert promise.today_us == gone_us
    assert promise.standing is (Standing.BROKEN if promise.budget.left < 0 else Standing.AT_RISK)
    assert month.whole.standing is not Standing.KEPT, "a third of the network for two days is far too much"
    assert month.first.standing is month.standing


def test_the_repair_may_take_exactly_two_days():
    given_ = month_at(1, 0, 500)
    result = reckon(given_)
    roomy = replace(DEFAULTS, objective_commune_ppm=0, objective_global_ppm=0)
    end_us = result.window.end_us
    lost = given_.communes[0].insee
    left_us = REPAIR_US
    budgets = dict(result.budgets)
    for extra_us, standing, why in (
        (0, Standing.AT_RISK, Why.GONE_BEFORE_REPAIR),
        (1, Standing.KEPT, Why.NOTHING_LOST_MATTERS),
    ):
        whole = budgets[lost]
        spent = result.budgets[lost].whole - left_us - extra_us
        tight = replace(result, budgets={**budgets, lost: replace(whole, spent=spent)})
        month = month_standing(tight, given_.weights, roomy, states={lost: CommuneState.LOST}, now_us=end_us)
        left = month.communes[lost].budget.left
        assert left == left_us + extra_us
        assert (month.communes[lost].standing, month.communes[lost].why) == (standing, why)
