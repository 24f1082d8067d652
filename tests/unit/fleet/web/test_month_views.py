"""Months over the API: pages, the closed version, and what is kept between two requests."""

import threading

import pytest
from sqlalchemy import delete

from fleet.child.process import WAITING_LIMIT, ChildBusy
from fleet.facts.months import closes_at_us, month_window
from fleet.facts.settings import DEFAULTS
from fleet.months.reckoner import OpenMonth, ReckonsHere
from fleet.months.tables import month_versions
from fleet.months.versions import close_month
from fleet.web.api.availability import By, availability_of
from fleet.web.month_views import KEPT_US, MONTHS_LIMIT, Months, month_view
from tests.unit.fleet.founded import StandingClock
from tests.unit.fleet.months.closed import CLOSED_US, MONTH, closed_month
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
    here = ReckonsHere(site.database, DEFAULTS)
    first = months.month_view(site.database, clock, here, "2026-11")
    clock.now += KEPT_US - 1
    assert months.month_view(site.database, clock, here, "2026-11") is first
    clock.now += 1
    assert months.month_view(site.database, clock, here, "2026-11") is not first
    with site.database.write() as connection:
        close_month(connection, "2026-11", DEFAULTS, who="t", now_us=closes_at_us("2026-11"))
    closed = months.month_view(site.database, clock, here, "2026-11")
    clock.now += 100 * KEPT_US
    assert closed.version == 1
    assert months.month_view(site.database, clock, here, "2026-11") is closed
    for number in range(1, MONTHS_LIMIT + 1):
        months.month_view(site.database, clock, here, f"2026-{number:02d}")
    assert months.month_view(site.database, clock, here, "2026-11") is not closed


@pytest.mark.parametrize("by", list(By))
def test_an_open_month_from_a_child_is_what_this_process_would_reckon(tmp_path, by):
    database, clock = closed_month(tmp_path), StandingClock(CLOSED_US - 1)
    with database.write() as connection:
        connection.execute(delete(month_versions))
    there = Months().month_view(database, clock, ReckonsHere(database, DEFAULTS), MONTH)
    with database.read() as connection:
        here = month_view(connection, MONTH, DEFAULTS, clock.now)
    assert availability_of(there, by, {}) == availability_of(here, by, {})
    assert (there.version, there.digest) == (None, here.digest)
    assert sum(len(one.runs) for one in here.given.facts.gateways.values()) > 0
    database.close()


class Slow(ReckonsHere):
    """A reckoner that answers when it is let."""

    def __init__(self, database):
        super().__init__(database, DEFAULTS)
        self.asked, self.may = threading.Semaphore(0), threading.Event()

    def open_month(self, month: str, now_us: int) -> OpenMonth:
        self.asked.release()
        assert self.may.wait(30)
        return super().open_month(month, now_us)


def test_few_wait_for_a_month_and_what_is_kept_is_answered_meanwhile(tmp_path):
    site = Site(tmp_path, open_access=True)
    clock, months, slow = StandingClock(month_window("2026-11").end_us - 1), Months(), Slow(site.database)
    kept = months.month_view(site.database, clock, ReckonsHere(site.database, DEFAULTS), "2026-10")
    found, busy = [], threading.Event()

    def ask():
        try:
            found.append(months.month_view(site.database, clock, slow, "2026-11"))
        except ChildBusy:
            busy.set()

    threads = [threading.Thread(target=ask) for _ in range(WAITING_LIMIT + 1)]
    for thread in threads:
        thread.start()
    assert slow.asked.acquire(timeout=30)
    assert busy.wait(30)
    assert months.month_view(site.database, clock, slow, "2026-10") is kept
    slow.may.set()
    for thread in threads:
        thread.join(30)
    assert len(found) == WAITING_LIMIT
    assert all(one is found[0] for one in found), "reckoned once"
