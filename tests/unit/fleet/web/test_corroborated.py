"""What the LNS contradicts in the open month: counted for the month, shown beside whom it concerns."""

import pytest
from fastapi.testclient import TestClient

from fleet.availability.corroboration import Contradicts
from fleet.durations import HOUR_US
from fleet.facts.months import month_of
from fleet.objects.store import store_heard
from fleet.web.corroborated import KEPT_US
from tests.unit.fleet.web.network import make_app
from tests.unit.fleet.web.sample import DARK, NOW_US, eui_of

ALL_MINUTES = (1 << 60) - 1
SERVES = eui_of(0)
MONTH = month_of(NOW_US)
PANEL = 'id="lns"'


def hear(parts, *euis, until_us=NOW_US):
    hours = range(until_us // HOUR_US * HOUR_US - HOUR_US, until_us, HOUR_US)
    with parts.database.write() as connection:
        store_heard(connection, {(eui, hour): ALL_MINUTES for eui in euis for hour in hours})


@pytest.fixture
def app(tmp_path):
    return make_app(tmp_path)


@pytest.fixture
def client(app):
    return TestClient(app, follow_redirects=False)


def test_an_open_month_that_was_never_compared_says_so(client):
    page = client.get(f"/rapports/{MONTH}").text
    assert "rien n’a pu être recoupé" in page
    assert PANEL not in client.get(f"/passerelles/{DARK[0]}").text


def test_uplinks_through_a_gateway_that_is_down_stand_on_its_page_and_its_communes(app, client):
    hear(app.state.parts, DARK[0], SERVES)
    (found,) = app.state.parts.compared().corroboration.found
    assert (found.eui, found.kind) == (DARK[0], Contradicts.HEARD_WHILE_DOWN)
    assert 0 < found.minutes < 120
    for page in (f"/passerelles/{DARK[0]}", "/communes/37015", f"/rapports/{MONTH}"):
        text = client.get(page).text
        assert PANEL in text
        assert f"mais des montées en {found.minutes} minutes" in text
    for page in (f"/passerelles/{SERVES}", "/communes/37153"):
        assert PANEL not in client.get(page).text


def test_a_comparison_is_kept_for_an_hour_and_then_made_beside_the_visits(app):
    parts = app.state.parts
    assert parts.compared().corroboration.gateways == 0
    hear(parts, DARK[0], SERVES)
    assert parts.compared().corroboration.gateways == 0
    parts.clock.at_us += KEPT_US
    parts.compared()
    with parts.corroborated._working:  # the thread that renews holds it
        assert parts.compared().corroboration.gateways == 2


def test_a_contradiction_changes_no_figure(app):
    parts = app.state.parts
    before = parts.past().month
    hear(parts, DARK[0], SERVES)
    assert len(parts.compared().corroboration.found) == 1
    assert parts.past().month == before


def test_who_has_a_territory_counts_its_own(app):
    parts = app.state.parts
    hear(parts, DARK[0], SERVES)
    assert parts.compared().within({SERVES}).corroboration.found == ()
