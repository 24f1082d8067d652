import pytest
from fastapi.testclient import TestClient

from fleet.shift import log as shift
from tests.stories.pages import client_of
from tests.stories.world import MINUTE, World

BATTERY = {"depot": "Tours", "name": "Batterie 12 V"}


@pytest.fixture
def client(azay: World) -> TestClient:
    client = client_of(azay)
    made = client.post("/api/v1/parts", json=BATTERY | {"change": 3, "low_limit": 2})
    assert made.status_code == 201
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    step(client, "arrive")
    azay.restore("a1")
    azay.pass_time(MINUTE)
    return client


def step(client: TestClient, name: str, **values: object) -> int:
    return client.post("/api/v1/tickets/1/steps", json={"step": name, **values}).status_code


def close(client: TestClient, *parts: str, depot: str = "Tours") -> int:
    told = {"cause": "batterie morte", "action": "remplacée", "parts": list(parts), "depot": depot}
    return step(client, "close", **told)


def count(client: TestClient) -> int:
    return int(client.get("/api/v1/parts?depot=Tours").json()["parts"][0]["count"])


def open_entries(world: World) -> list[str]:
    with world.reading() as connection:
        return [entry.text.replace("\u202f", " ") for entry in shift.open_entries(connection)]


def test_a_report_takes_its_parts_and_a_low_stock_is_on_the_main_courante(
    azay: World, client: TestClient
) -> None:
    assert close(client, "2 × batterie 12 v") == 200
    assert count(client) == 1
    azay.cycle()
    assert open_entries(azay) == ["Stock bas à Tours : Batterie 12 V, reste 1 (seuil 2)."]


def test_a_report_written_again_takes_the_difference(azay: World, client: TestClient) -> None:
    close(client, "2 × batterie 12 V")
    step(client, "reopen", reason="oubli")
    close(client, "batterie 12 V")
    assert count(client) == 2
    step(client, "reopen", reason="oubli")
    close(client)
    assert count(client) == 3


def test_a_part_that_no_depot_knows_is_said_and_closes_all_the_same(azay: World, client: TestClient) -> None:
    assert close(client, "parafoudre") == 200
    assert count(client) == 3
    assert "PartsUnknown" in azay.trail()


def test_without_a_depot_the_only_one_that_has_it_gives_it(client: TestClient) -> None:
    close(client, "batterie 12 V", depot="")
    assert count(client) == 2


def test_two_depots_and_no_word_which_one_is_unknown(azay: World, client: TestClient) -> None:
    client.post("/api/v1/parts", json=BATTERY | {"depot": "Chinon", "change": 1})
    close(client, "batterie 12 V", depot="")
    assert count(client) == 3
    assert "PartsUnknown" in azay.trail()


def test_a_stock_below_zero_says_that_it_must_be_counted(azay: World, client: TestClient) -> None:
    close(client, "5 x batterie 12 V")
    azay.cycle()
    assert open_entries(azay) == ["Stock à recompter à Tours : Batterie 12 V, le compte tombe à −2."]


def test_filled_before_anybody_was_told_is_told_to_nobody(azay: World, client: TestClient) -> None:
    close(client, "2 x batterie 12 V")
    client.post("/api/v1/parts", json=BATTERY | {"change": 10})
    azay.cycle()
    assert open_entries(azay) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"depot": "", "name": "x", "change": 1}, 422),
        ({"depot": "Tours", "name": " ", "change": 1}, 422),
        ({"depot": "Tours", "name": "x", "change": 0}, 422),
        ({"depot": "Tours", "name": "x", "change": 10_001}, 422),
        ({"depot": "Tours", "name": "x", "change": 10_000}, 201),
        ({"depot": "Tours", "name": "x", "low_limit": -1}, 422),
    ],
)
def test_what_is_no_delivery_is_refused(client: TestClient, body: dict[str, object], status: int) -> None:
    assert client.post("/api/v1/parts", json=body).status_code == status
