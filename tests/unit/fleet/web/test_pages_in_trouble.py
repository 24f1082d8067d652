"""A page that people need in trouble answers 200 whatever a gateway reported: no 500, no 422."""

import itertools

import msgspec
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert, update

from agent.wire.messages import Change, ConfigState
from agent.wire.topics import topic
from fleet.broker.received import Received
from fleet.evidence.tables import journal_records
from fleet.evidence.tables import reported_configurations as reports
from tests.unit.fleet.web.extremes import everything
from tests.unit.fleet.web.network import make_app
from tests.unit.fleet.web.sample import HANGS, NOW_US, eui_of

PAGES = (
    "/",
    "/carte",
    "/communes",
    "/communes/37015",
    "/incidents?tous=1",
    "/tickets/1",
    "/passerelles",
    "/passerelles?csv=1",
    "/deploiements",
    "/rapports",
    "/messages-refuses",
    "/journal",
    "/recherche?q=a",
)
BOOT = 40


@pytest.fixture
def app(tmp_path):
    return make_app(tmp_path)


@pytest.fixture
def client(app):
    return TestClient(app, follow_redirects=False, raise_server_exceptions=False)


def answers(client, pages):
    """Return the pages that do not answer 200."""
    return {page: code for page in pages if (code := client.get(page).status_code) != 200}


def said_by_all(chunk):
    """Return one message of each gateway."""
    return [
        Received(
            topic=topic(eui_of(index), leaf),
            payload=msgspec.msgpack.encode(message),
            retained=False,
            received_at_us=NOW_US,
        )
        for index, (leaf, message) in enumerate(chunk)
    ]


@pytest.mark.slow
def test_every_page_answers_for_everything_a_gateway_may_report(app, client):
    engine, waiting = app.state.parts.engine, everything(BOOT)
    wrong = {}
    while chunk := list(itertools.islice(waiting, len(HANGS))):
        engine.take(said_by_all(chunk))
        engine.cycle()
        own = [f"/passerelles/{eui_of(index)}" for index in range(len(chunk))]
        for page, code in answers(client, (*own, *PAGES[:1], "/passerelles", "/deploiements")).items():
            wrong[page, code] = chunk
    assert not wrong
    sent = len(list(everything(BOOT)))
    assert engine.health.messages == sent
    assert engine.health.refused < sent / 2
    assert not answers(client, PAGES)


@pytest.mark.parametrize("state", [*map(int, ConfigState), 99])
def test_every_state_of_a_configuration_has_a_page(app, client, state):
    with app.state.parts.database.write() as connection:
        row = {"sha256": "ab", "state": state, "seen_version": 9, "reason": "", "version": 1, "at_us": NOW_US}
        rows = [row | {"eui": eui_of(index), "recorded_at_us": NOW_US} for index in range(3)]
        connection.execute(insert(reports), rows)
    assert not answers(client, ["/deploiements", f"/passerelles/{eui_of(1)}", "/passerelles"])


@pytest.mark.parametrize("change", [*map(int, Change), 99])
def test_every_change_of_a_journal_has_a_page(app, client, change):
    with app.state.parts.database.write() as connection:
        connection.execute(update(journal_records).values(change=change))
    assert not answers(client, [f"/passerelles/{eui_of(6)}"])
