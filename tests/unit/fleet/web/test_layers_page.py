"""The page of layers: previewed in words, begun as a rollout, refused by name, taken back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from fleet.identity.people import OPEN_ACCESS
from tests.unit.fleet.web.network import make_app
from tests.unit.fleet.web.sample import eui_of

PAGE = "/deploiements/couches"
FORM = {
    "csrf_token": OPEN_ACCESS.csrf_token,
    "layer": "commune:37015",
    "path": "intervals.stat_s",
    "value": "45",
    "reason": "essai",
}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    app = make_app(tmp_path)
    yield TestClient(app, follow_redirects=False)
    app.state.parts.database.close()


def test_a_change_is_shown_then_begun_and_the_gateway_says_where_its_value_is_from(
    client: TestClient,
) -> None:
    preview = client.post(PAGE, data=FORM)
    assert "3 passerelles changeraient" in preview.text
    assert "Église Sainte-Madeleine" in preview.text
    assert "Aucune couche" in client.get(PAGE).text, "a preview keeps nothing"
    begun = client.post(PAGE, data=FORM | {"really": "1"})
    assert (begun.status_code, begun.headers["location"]) == (303, "/deploiements/1")
    assert "commune 37015" in client.get(PAGE).text
    assert "déploiement n° 1 en cours" in client.get(PAGE).text.replace("\u202f", " ").replace("\u00a0", " ")
    assert "commune 37015" in client.get(f"/passerelles/{eui_of(1)}").text
    assert "commune 37015" not in client.get(f"/passerelles/{eui_of(2)}").text


def test_an_earlier_version_comes_back_with_a_button(client: TestClient) -> None:
    mine = FORM | {"layer": f"gateway:{eui_of(2)}", "really": "1"}
    kept = client.post(PAGE, data=mine | {"value": "30"})
    assert kept.headers["location"] == PAGE, "it runs that already"
    assert client.post(PAGE, data=mine | {"value": "45"}).headers["location"] == "/deploiements/1"
    shown = client.get(PAGE, params={"couche": f"gateway:{eui_of(2)}"}).text
    assert shown.count("<button>Revenir à cette version") == 1


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"layer": "ville:Tours"}, "n’est pas une couche"),
        (
            {"value": "{model}", "path": "connectors.0.host"},
            "n’a pas de valeur au registre pour 3 passerelles",
        ),
        ({"value": "beaucoup"}, "ne font pas une configuration pour 3 passerelles"),
        ({"reason": " "}, "Indiquez un motif"),
        ({"value": ""}, "ne dit rien de intervals.stat_s"),
        ({"to": "7"}, "n’a jamais eu de version 7"),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_what_was_typed_is_kept(
    client: TestClient, changed: dict[str, str], sentence: str
) -> None:
    answer = client.post(PAGE, data=FORM | changed)
    text = answer.text.replace("\u202f", " ").replace("\u00a0", " ")
    assert answer.status_code == 422
    assert sentence in text
    assert 'value="intervals.stat_s"' in text or "path" in changed
