"""« Puis-je la couper ? », and what stops a gateway: refused in words, or sent with a reason."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from fleet.configurations.tables import instructions
from fleet.evidence.tables import maintenances
from fleet.facts.states import GatewayState
from fleet.identity.people import OPEN_ACCESS
from fleet.identity.tables import audit_log
from fleet.web.pages.stopping import STALE_US
from tests.stories.world import Clock
from tests.unit.fleet.web.network import make_app
from tests.unit.fleet.web.sample import eui_of

TOKEN = {"csrf_token": OPEN_ACCESS.csrf_token}
DARK, ALONE = eui_of(1), eui_of(2)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    app = make_app(tmp_path)
    yield TestClient(app, follow_redirects=False)
    app.state.parts.database.close()


def rows(client: TestClient, query: object) -> list[object]:
    with client.app.state.parts.database.read() as connection:  # type: ignore[attr-defined]
        return list(connection.execute(query).scalars())


def despites(client: TestClient, action: str) -> list[object]:
    return rows(client, select(audit_log.c.after).where(audit_log.c.action == action))


def test_a_technician_asks_and_is_answered_in_words(client: TestClient) -> None:
    no = client.get(f"/passerelles/{ALONE}/couper").text
    assert "Non, ne coupez pas" in no
    assert "plus aucune passerelle ne servirait Chançay" in no
    idle = client.get(f"/passerelles/{DARK}/couper").text
    assert "la couper n’enlève rien à personne" in idle
    english = client.get(f"/passerelles/{ALONE}/couper", headers={"Cookie": "langue=en"}).text
    assert "No, do not switch" in english
    assert client.get("/passerelles/ffffffffffffffff/couper").status_code == 404


def test_the_question_is_on_the_pages_of_the_gateway_and_of_its_ticket(client: TestClient) -> None:
    parts = client.app.state.parts  # type: ignore[attr-defined]
    asks = f'href="/passerelles/{DARK}/couper"'
    for page in (f"/passerelles/{DARK}", "/tickets/1"):
        assert asks not in client.get(page).text, "it is out already"
    back = replace(parts.network.gateways[DARK], state=GatewayState.SERVING)
    parts.feed.publish(replace(parts.network, gateways=parts.network.gateways | {DARK: back}))
    for page in (f"/passerelles/{DARK}", "/tickets/1"):
        text = client.get(page).text
        assert asks in text
        assert "Sans réseau, on ne peut pas le savoir" in text, "a phone without coverage says so"
    assert text.index(asks) > text.index('id="ticket-actions"'), "acts come first"


@pytest.mark.parametrize(("age_us", "known"), [(STALE_US, True), (STALE_US + 1, False)])
def test_of_an_old_network_nothing_can_be_said(client: TestClient, age_us: int, *, known: bool) -> None:
    parts = client.app.state.parts  # type: ignore[attr-defined]
    client.app.state.parts = replace(parts, clock=Clock(parts.network.at_us + age_us))  # type: ignore[attr-defined]
    text = client.get(f"/passerelles/{DARK}/couper").text
    assert ("On ne peut pas le savoir" not in text) is known


def test_a_command_that_stops_a_gateway_which_somebody_needs_wants_a_reason(client: TestClient) -> None:
    form = TOKEN | {"action": "restart"}
    refused = client.post(f"/passerelles/{ALONE}/commande", data=form)
    assert refused.status_code == 409
    assert "plus aucune passerelle ne servirait Chançay" in refused.text
    assert rows(client, select(instructions.c.eui)) == []
    sent = client.post(
        f"/passerelles/{ALONE}/commande", data=form | {"despite": "figée, le maire est prévenu"}
    )
    assert sent.status_code == 303
    (told,) = despites(client, "gateway.command.despite")
    assert told["reason"] == "figée, le maire est prévenu"  # type: ignore[index]
    assert "Chançay" in told["despite"][0]  # type: ignore[index]


@pytest.mark.parametrize(("eui", "action"), [(DARK, "restart"), (ALONE, "self_test")])
def test_what_takes_nothing_from_anybody_is_sent_at_once(client: TestClient, eui: str, action: str) -> None:
    answer = client.post(f"/passerelles/{eui}/commande", data=TOKEN | {"action": action})
    assert answer.status_code == 303
    assert rows(client, select(instructions.c.eui)) == [eui]
    assert despites(client, "gateway.command.despite") == []


def test_works_that_leave_somebody_without_service_say_who_and_want_a_reason(client: TestClient) -> None:
    typed = {"from": "2026-11-30T09:00", "until": "2026-11-30T11:00", "reason": "antenne", "euis": [ALONE]}
    refused = client.post("/travaux", data=TOKEN | typed)
    assert refused.status_code == 422
    assert "plus aucune passerelle ne servirait Chançay" in refused.text
    assert 'name="despite"' in refused.text
    assert 'value="antenne"' in refused.text, "what was typed is kept"
    assert rows(client, select(maintenances.c.id)) == []
    assert client.post("/travaux", data=TOKEN | typed | {"despite": "seule date"}).status_code == 303
    assert len(rows(client, select(maintenances.c.id))) == 1
    (told,) = despites(client, "works.despite")
    assert told["reason"] == "seule date"  # type: ignore[index]


def test_works_on_gateways_whose_neighbours_serve_meanwhile_want_none(client: TestClient) -> None:
    typed = {"from": "2026-11-30T09:00", "until": "2026-11-30T11:00", "reason": "antenne", "euis": [DARK]}
    assert client.post("/travaux", data=TOKEN | typed).status_code == 303
    assert despites(client, "works.despite") == []
