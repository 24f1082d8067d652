"""What the port answers before the pages are there."""

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from fleet.web.gate import Gate, WaitsFor


@pytest.mark.parametrize("reason", list(WaitsFor))
def test_people_read_french_first_and_machines_a_reason(reason):
    gate = Gate()
    gate.waiting(reason, "<server> refused")
    browser = TestClient(gate)
    page = browser.get("/tickets/7")
    assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
    assert page.text.index('lang="fr"') < page.text.index('lang="en"')
    assert "&lt;server&gt; refused" in page.text
    health = browser.get("/healthz")
    assert health.status_code == 503
    assert health.json() == {
        "ok": False,
        "wrong": [f"{reason}: <server> refused"],
        "waits_for": reason,
        "detail": "<server> refused",
    }


def test_only_news_is_news():
    gate = Gate()
    assert gate.waiting(WaitsFor.DATABASE, "refused")
    assert not gate.waiting(WaitsFor.DATABASE, "refused")
    assert gate.waiting(WaitsFor.DATABASE, "no route")


def test_an_open_gate_is_not_there_any_more():
    gate = Gate()
    gate.open(PlainTextResponse("the pages"))
    assert gate.opened.is_set()
    assert TestClient(gate).get("/").text == "the pages"
