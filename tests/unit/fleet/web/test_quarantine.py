"""The page of a quarantined gateway says so, and an operator ends it there."""

import pytest
from fastapi.testclient import TestClient

from fleet.evidence import quarantines
from fleet.evidence.allowance import MessageKind
from fleet.evidence.quarantine import begun
from fleet.lang.i18n import t
from tests.unit.fleet.web.network import make_app
from tests.unit.fleet.web.sample import NOW_US, eui_of
from tests.unit.fleet.web.test_acts import TOKEN

PAGE = f"/passerelles/{eui_of(3)}"


@pytest.fixture
def client(tmp_path):
    return TestClient(make_app(tmp_path), follow_redirects=False)


def database(client):
    return client.app.state.parts.database


@pytest.mark.parametrize("budget", list(MessageKind))
def test_its_page_says_which_budget_and_how_many_messages(client, budget):
    assert "En quarantaine" not in client.get(PAGE).text
    with database(client).write() as connection:
        quarantines.begin(connection, eui_of(3), begun(budget, NOW_US), NOW_US)
    page = client.get(PAGE).text.replace("&#39;", "'")
    assert "En quarantaine" in page
    assert t("fr", f"quarantine.budget.{budget}") in page


def test_an_operator_ends_it_once(client):
    with database(client).write() as connection:
        quarantines.begin(connection, eui_of(3), begun(MessageKind.BOOT, NOW_US), NOW_US)
    path = f"{PAGE}/quarantaine"
    assert client.post(path, data={"csrf_token": "forged"}).status_code == 403
    with database(client).read() as connection:
        assert quarantines.count_open(connection) == 1
    assert client.post(path, data=TOKEN).headers["location"] == PAGE
    with database(client).read() as connection:
        assert quarantines.count_open(connection) == 0
    assert client.post(path, data=TOKEN).status_code == 409
    assert "En quarantaine" not in client.get(PAGE).text
