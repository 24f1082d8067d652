"""The frame, the errors, the headers, the login, and tables in the address."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from fastapi.testclient import TestClient

from fleet.identity.foundation import write_session_secret
from fleet.web.process_parts import share
from fleet.web.views.frame import FROZEN_AFTER_US
from tests.unit.fleet.web.network import StillClock, make_app
from tests.unit.fleet.web.sample import DARK, UNBALANCED, UNBALANCED_FRAMES, eui_of


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    app = make_app(tmp_path_factory.mktemp("frame"))
    yield TestClient(app, follow_redirects=False)
    app.state.parts.database.close()


def test_nothing_from_another_host_and_nothing_inline(client: TestClient) -> None:
    policy = client.get("/").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "http" not in policy


def test_what_is_worst_comes_first(client: TestClient) -> None:
    text = client.get("/").text
    assert "1 commune n’est plus desservie" not in text
    assert "2 communes ne sont plus desservies\u202f: Azay-sur-Cher, Reugny." in text
    rows = client.get("/passerelles").text
    assert rows.index(DARK[0]) < rows.index(eui_of(6)) < rows.index(eui_of(2))


def test_a_gateway_opens_with_one_sentence(client: TestClient) -> None:
    text = client.get(f"/passerelles/{DARK[0]}").text
    assert "Hors service depuis 13:29 (1\u202fh\u202f08)\u202f: muette, cause inconnue" in text
    assert "Azay-sur-Cher n’est plus desservie." in text
    assert "Intervention avant 17:32." in text


def test_filters_and_order_are_in_the_address(client: TestClient) -> None:
    text = client.get("/passerelles?etat=DOWN&q=fêtes").text
    assert text.count("<tr data-href") == 1
    assert 'href="/passerelles?etat=DOWN&amp;q=f%C3%AAtes&amp;tri=name"' in text


@pytest.mark.parametrize("page", ["/communes", "/passerelles"])
def test_a_filter_forgives_case_and_accents(client: TestClient, page: str) -> None:
    found = [client.get(f"{page}?q={typed}").text.count("<tr data-href") for typed in ("Larçay", "LARCAY")]
    assert found == [1, 1]


def test_a_gateway_whose_count_of_frames_is_wrong_is_shown_and_counted(client: TestClient) -> None:
    text = client.get("/passerelles").text
    assert re.search(
        r'href="/passerelles\?etat=unbalanced"[^>]*>.{0,80}compte faux.{0,80}>1<', text, re.DOTALL
    )
    found = client.get("/passerelles?etat=unbalanced").text
    assert found.count("<tr data-href") == 1
    assert (
        f"compte faux de {UNBALANCED_FRAMES} trames" in client.get(f"/passerelles/{eui_of(UNBALANCED)}").text
    )
    assert "compte faux" not in client.get(f"/passerelles/{eui_of(2)}").text


def test_a_filter_that_finds_nothing_says_so(client: TestClient) -> None:
    assert "Rien ne correspond à ce filtre." in client.get("/passerelles?q=zzz").text


@pytest.mark.parametrize("page", ["/passerelles", "/communes", "/incidents"])
def test_every_table_is_exported(client: TestClient, page: str) -> None:
    answer = client.get(f"{page}?csv=1")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.text.startswith("\ufeff")
    assert len(answer.text.splitlines()) > 1


def test_an_address_that_does_not_exist_is_a_page_for_people(client: TestClient) -> None:
    answer = client.get("/passerelles/ffffffffffffffff")
    assert answer.status_code == 404
    assert "Cette page n’existe pas." in answer.text
    assert client.get("/api/v1/nothing").headers["content-type"] == "application/problem+json"


def test_the_search_forgives_accents_and_opens_a_single_match(client: TestClient) -> None:
    assert client.get("/recherche?q=VERETZ").headers["location"] == "/communes/37267"
    assert "Azay-sur-Cher" in client.get("/recherche?q=azay").text
    assert "Aucun résultat." in client.get("/recherche?q=zzz").text


def test_the_territory_tells_places_and_states(client: TestClient) -> None:
    told = client.get("/carte/territoire.json").json()
    states = {one["name"]: one["state"] for one in told["communes"]}
    assert (states["Azay-sur-Cher"], states["Véretz"], len(told["gateways"])) == ("LOST", "SERVED", 11)
    assert told["bounds"][0][0] < told["bounds"][1][0]


def test_frozen_data_are_loud(tmp_path: Path) -> None:
    clock = StillClock()
    app = make_app(tmp_path, clock=clock)
    page = TestClient(app)
    assert 'id="frozen" role="alert"' in page.get("/").text
    clock.at_us += FROZEN_AFTER_US + 1
    text = page.get("/").text
    assert "Données figées depuis 14:37" in text
    assert not [line for line in text.splitlines() if 'id="frozen"' in line and "hidden" in line]


def test_an_empty_fleet_says_what_would_be_here(tmp_path: Path) -> None:
    page = TestClient(make_app(tmp_path, filled=False))
    assert "Aucune commune n’est encore couverte." in page.get("/").text
    assert "Aucune passerelle au registre." in page.get("/passerelles").text
    assert "Aucun incident en cours." in page.get("/incidents").text
    assert "Aucune passerelle n’a encore de configuration." in page.get("/deploiements").text


def test_without_a_session_pages_lead_to_the_login(tmp_path: Path) -> None:
    app = make_app(tmp_path, filled=False)
    settings = msgspec.structs.replace(app.state.parts.settings, open_access=False)
    share(app, replace(app.state.parts, settings=settings))
    page = TestClient(app, follow_redirects=False)
    answer = page.get("/passerelles")
    assert (answer.status_code, answer.headers["location"]) == (303, "/connexion?back=/passerelles")
    assert 'name="back" value="/passerelles"' in page.get("/connexion?back=/passerelles").text
    assert 'name="back" value="/"' in page.get("/connexion?back=https://evil.example").text
    write_session_secret(settings.keys)
    wrong = page.post("/connexion", data={"name": "x", "password": "y"})
    assert "Nom ou mot de passe inconnu" in page.get(wrong.headers["location"]).text


def test_a_ticket_is_told_in_words_with_its_cause_and_sites(client: TestClient) -> None:
    text = client.get("/tickets/1").text
    assert "<h1>Azay-sur-Cher\u202f: plus de service</h1>" in text
    assert "3 passerelles sur le même départ électrique Départ Azay-sur-Cher." in text
    assert text.count("Clé à la mairie") == 3
    assert 'href="geo:47.' in text
    assert "Azay-sur-Cher\u202f: plus de service" in client.get("/incidents").text


def test_the_month_so_far_can_still_be_kept(client: TestClient) -> None:
    text = client.get("/rapports").text
    lost = 3100 * 68 + 5300 * 25 + 1700 * 7
    told = re.search(r"<dd>(99,\d{4})\u202f%", text)
    assert told is not None
    assert float(told[1].replace(",", ".")) == pytest.approx(100 - 100 * lost / (39780 * 28_800), abs=2e-4)
    assert "en danger" in text
    unknown = re.search(r"<td>inconnue</td><td>à établir</td><td class=\"n\">([^<]*)</td>", text)
    assert unknown is not None
    assert unknown[1].startswith("8\u202fmin"), "(3100 × 68 + 5300 × 25) / 39780 min"
    exported = client.get("/rapports?csv=1").text.splitlines()
    assert exported[1].startswith("37015;Azay-sur-Cher;CC Touraine-Est Vallées;99,76")
