"""The page of a closed month shows its time stamp; a report whose child failed may be asked again."""

import sys
from dataclasses import replace

import pytest
from sqlalchemy import insert

from fleet.child.process import Child
from fleet.facts.settings import DEFAULTS
from fleet.months.comparing import NAMES_LIMIT, store_comparison
from fleet.months.tables import month_timestamps
from fleet.web.process_parts import share
from tests.unit.fleet.months.closed import CLOSED_US, MONTH, OTHER_CODE, closed_by_another, closed_month
from tests.unit.fleet.web.api.site import Site


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path, open_access=True)
    site.database.close()
    (site.folder / "fleet.db").unlink()
    closed_month(site.folder).close()
    site.clock.now = CLOSED_US + 60_000_000
    return site


def stamped(site, **fields):
    row = {"month": MONTH, "version": 1, "attempts": 3, "tried_at_us": CLOSED_US, "error": ""}
    with site.database.write() as connection:
        connection.execute(
            insert(month_timestamps).values(row | {"authority": "http://tsa.example"} | fields)
        )


def test_a_stamp_is_shown_and_downloaded(site):
    assert "Horodatage" not in site.client.get(f"/rapports/{MONTH}").text
    assert site.client.get(f"/rapports/{MONTH}/v1/sceau.tsr").status_code == 404
    stamped(site, response=b"\x30\x00", stamped_at_us=CLOSED_US)
    page = site.client.get(f"/rapports/{MONTH}").text
    assert "par http://tsa.example" in page
    assert f"/rapports/{MONTH}/v1/sceau.tsr" in page
    assert site.client.get(f"/rapports/{MONTH}/v1/sceau.tsr").content == b"\x30\x00"


def test_a_stamp_that_fails_is_shown_with_its_reason(site):
    stamped(site, error="HTTP 503")
    page = site.client.get(f"/rapports/{MONTH}").text
    assert "3 essais" in page
    assert "HTTP 503" in page


def test_a_report_whose_child_fails_may_be_asked_again(site):
    app = site.client.app
    failing = Child(site.database.url, DEFAULTS, command=(sys.executable, "-c", "raise SystemExit(1)"))
    share(app, replace(app.state.parts, child=failing))
    answer = site.client.get(f"/api/v1/reports/monthly/{MONTH}.csv")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")


def test_what_todays_program_would_say_otherwise_is_shown_once_it_was_compared(site):
    def notice():
        return site.client.get(f"/rapports/{MONTH}").text

    assert OTHER_CODE not in notice()
    closed_by_another(site.database)
    assert "se fait en arrière-plan" in notice()
    with site.database.write() as connection:
        store_comparison(connection, MONTH, 1, differs=("commune 37015",))
    assert OTHER_CODE in notice()
    assert "commune 37015" in notice()
    with site.database.write() as connection:
        many = tuple(f"gateway {number}" for number in range(NAMES_LIMIT + 1))
        store_comparison(connection, MONTH, 1, differs=many)
    assert f"Et {NAMES_LIMIT + 1 - 20} autres." in notice()
    with site.database.write() as connection:
        store_comparison(connection, MONTH, 1)
    assert "donne les mêmes valeurs" in notice()
    with site.database.write() as connection:
        store_comparison(connection, MONTH, 1, error="line 3: no run")
    assert "line 3: no run" in notice()
