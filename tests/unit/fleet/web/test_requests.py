"""A second person on the pages: what waits is shown, the author is refused, another decides."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from fastapi.testclient import TestClient

from fleet.approvals.model import TwoPersons
from fleet.db.connect import Database
from fleet.identity.people import OPEN_ACCESS
from fleet.rollouts.requests import push_or_ask
from fleet.rollouts.single import Change, weigh
from fleet.web.api import approvals
from tests.unit.fleet.web.network import make_app
from tests.unit.fleet.web.sample import eui_of

TOKEN = {"csrf_token": OPEN_ACCESS.csrf_token}
HEADER = {"X-CSRF-Token": OPEN_ACCESS.csrf_token}
ADDRESS = {
    "target": eui_of(3),
    "connectors.0.host": "lns.example.fr",
    "despite": "essai",
    "reason": "serveur",
}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    app = make_app(tmp_path)
    app.include_router(approvals.router)
    yield TestClient(app, follow_redirects=False)
    app.state.parts.database.close()


def asked_by_anne(client: TestClient) -> None:
    parts = client.app.state.parts  # type: ignore[attr-defined]
    database: Database = parts.database
    wanted = Change(
        eui=eui_of(3), changes={"connectors.0.host": "lns.example.fr"}, reason="serveur", despite="essai"
    )
    now_us, contract = parts.clock.now_us(), parts.settings.contract
    with database.read() as connection:
        told = {"network": parts.network, "contract": contract, "now_us": now_us}
        weighed = weigh(connection, wanted, **told)
    with database.write() as connection:
        rules, key = parts.settings.two_persons, parts.keys.signing
        push_or_ask(connection, key, rules, weighed, contract=contract, who="anne", now_us=now_us)


def test_an_address_typed_on_the_page_waits_and_its_author_is_refused(client: TestClient) -> None:
    preview = client.post("/deploiements/apercu", data=TOKEN | ADDRESS).text
    assert "seconde personne" in preview
    found = re.search(r'name="stamp" value="(\w+)"', preview)
    assert found is not None
    sent = client.post("/deploiements", data=TOKEN | ADDRESS | {"stamp": found[1]})
    assert (sent.status_code, sent.headers["location"]) == (303, "/deploiements#demande-1")
    page = client.get("/deploiements").text
    assert "Demande n° 1" in page.replace("\u202f", " ")
    assert "demandes/1/annuler" in page
    assert "demandes/1/approuver" not in page, "it is one's own"
    own = client.post("/deploiements/demandes/1/approuver", data=TOKEN)
    assert (own.status_code, "votre propre demande" in own.text) == (409, True)


def test_another_person_refuses_with_a_reason_or_approves(client: TestClient) -> None:
    asked_by_anne(client)
    assert "demandes/1/approuver" in client.get("/deploiements").text
    assert client.post("/deploiements/demandes/1/refuser", data=TOKEN).status_code == 409
    refused = client.post("/deploiements/demandes/1/refuser", data=TOKEN | {"reason": "mauvais port"})
    assert refused.status_code == 303
    page = client.get("/deploiements").text
    assert "mauvais port" in page
    assert "Aucune demande" in page
    assert client.post("/deploiements/demandes/1/approuver", data=TOKEN).status_code == 409
    assert client.post("/deploiements/demandes/9/approuver", data=TOKEN).status_code == 404
    assert client.post("/deploiements/demandes/1/dormir", data=TOKEN).status_code == 404


def test_the_same_over_the_api(client: TestClient) -> None:
    asked_by_anne(client)
    (one,) = client.get("/api/v1/approvals").json()["approvals"]
    assert (one["state"], one["author"]) == ("waiting", "anne")
    assert "asked_seal" not in one
    answer = client.post("/api/v1/approvals/1", json={"choice": "approve"}, headers=HEADER)
    assert (answer.status_code, answer.json()["state"]) == (200, "approved")
    again = client.post("/api/v1/approvals/1", json={"choice": "refuse", "reason": "x"}, headers=HEADER)
    assert again.status_code == 409


def test_a_rollout_is_approved_on_its_own_page_and_revoked_there(client: TestClient) -> None:
    typed = TOKEN | {"target": "all", "connectors.0.host": "lns.example.fr", "reason": "essai"}
    preview = client.post("/deploiements/apercu", data=typed).text
    found = re.search(r'name="stamp" value="(\w+)"', preview)
    assert found is not None
    client.post("/deploiements", data=typed | {"stamp": found[1]})
    page = client.get("/deploiements/1").text
    assert "Seconde personne" in page
    assert client.post("/deploiements/1/reprise", data=TOKEN).status_code == 409
    assert client.post("/deploiements/1/revocation", data=TOKEN | {"reason": " "}).status_code == 409
    assert client.post("/deploiements/1/revocation", data=TOKEN | {"reason": "doute"}).status_code == 303
    assert "Révoqué" in client.get("/deploiements/1").text


def test_one_administrator_alone_is_a_setting(client: TestClient) -> None:
    parts = client.app.state.parts  # type: ignore[attr-defined]
    alone = msgspec.structs.replace(parts.settings, two_persons=TwoPersons(addresses=False))
    client.app.state.parts = replace(parts, settings=alone)  # type: ignore[attr-defined]
    preview = client.post("/deploiements/apercu", data=TOKEN | ADDRESS).text
    assert "seconde personne l'approuve" not in preview.replace("’", "'")
    found = re.search(r'name="stamp" value="(\w+)"', preview)
    assert found is not None
    sent = client.post("/deploiements", data=TOKEN | ADDRESS | {"stamp": found[1]})
    assert sent.headers["location"] == "/deploiements"
