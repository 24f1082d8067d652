"""Months over the API: pages, the closed version, and what is kept between two requests."""

import pytest

from fleet.facts.months import closes_at_us, month_window
from fleet.facts.settings import DEFAULTS
from fleet.months.versions import close_month
from fleet.web.month_views import KEPT_US, MONTHS_LIMIT, Months
from tests.unit.fleet.founded import StandingClock
from tests.unit.fleet.web.api.site import Site


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return Site(tmp_path_factory.mktemp("site"), open_access=True)


def test_rows_come_in_pages(site):
    first = site.client.get("/api/v1/availability?by=commune&limit=1").json()
    assert [row["insee"] for row in first["items"]] == ["37015"]
    second = site.client.get(f"/api/v1/availability?by=commune&limit=1&after={first['next']}").json()
    assert [row["insee"] for row in second["items"]] == ["37281"]
    assert (first["next"], second["next"]) == ("37015", None)
    assert first["whole"] == second["whole"]


def test_every_indicator_is_there(site):
    told = site.client.get("/api/v1/availability?by=epci").json()
    for row in (told["whole"], told["items"][0]):
        assert {
            "budget_left_us",
            "burn",
            "breach_at_us",
            "mean_of_gateways_percent",
            "deferred",
            "below_two_percent",
            "below_two_domains_percent",
            "mtbf_us",
            "mttr_us",
        } <= set(row)
        assert [rate["factor"] for rate in row["burn"]] == ["14.400", "6.000", "3.000", "1.000"]


def test_a_closed_month_is_told_from_its_version(tmp_path):
    site = Site(tmp_path, open_access=True)
    with site.database.write() as connection:
        version = close_month(connection, "2026-11", DEFAULTS, who="t", now_us=closes_at_us("2026-11"))
    told = site.client.get("/api/v1/availability?month=2026-11").json()
    assert (told["closed_version"], told["hash"], told["provisional"]) == (1, version.hash, False)


def test_an_open_month_is_kept_for_a_moment_and_a_closed_one_until_the_next(tmp_path):
    site = Site(tmp_path, open_access=True)
    clock, months = StandingClock(month_window("2026-11").end_us - 1), Months()
    first = months.month_view(site.database, clock, DEFAULTS, "2026-11")
    clock.now += KEPT_US - 1
    assert months.month_view(site.database, clock, DEFAULTS, "2026-11") is first
    clock.now += 1
    assert months.month_view(site.database, clock, DEFAULTS, "2026-11") is not first
    with site.database.write() as connection:
        close_month(connection, "2026-11", DEFAULTS, who="t", now_us=closes_at_us("2026-11"))
    closed = months.month_view(site.database, clock, DEFAULTS, "2026-11")
    clock.now += 100 * KEPT_US
    assert closed.version == 1
    assert months.month_view(site.database, clock, DEFAULTS, "2026-11") is closed
    for number in range(1, MONTHS_LIMIT + 1):
        months.month_view(site.database, clock, DEFAULTS, f"2026-{number:02d}")
    assert months.month_view(site.database, clock, DEFAULTS, "2026-11") is not closed
