import io

import pytest
from fastapi.testclient import TestClient

from fleet.tickets.clocks import ClockVerdict
from fleet.tickets.model import TicketState
from fleet.tickets.presence import site_token
from tests.stories.pages import client_of
from tests.stories.world import HOUR, MINUTE, World

SECRET = b"s" * 32


@pytest.fixture
def client(azay: World) -> TestClient:
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    return client_of(azay)


def step(client: TestClient, name: str, key: str = "", **values: object) -> tuple[int, dict[str, object]]:
    headers = {"Idempotency-Key": key} if key else {}
    answer = client.post("/api/v1/tickets/1/steps", json={"step": name, **values}, headers=headers)
    return answer.status_code, answer.json()


def test_a_technician_without_coverage_acts_in_time_and_tells_late_and_twice(
    azay: World, client: TestClient
) -> None:
    reported = azay.ticket().reported_at_us
    arrived = reported + 4 * HOUR - MINUTE
    azay.pass_time(6 * HOUR)
    assert step(client, "arrive", key="k1", at_us=arrived) == (
        200,
        {"ticket": 1, "state": "on_site", "again": False},
    )
    assert step(client, "arrive", key="k1", at_us=arrived)[1]["again"] is True
    assert step(client, "arrive", key="k2", at_us=arrived)[0] == 409
    assert azay.ticket().on_site_at_us == arrived
    assert azay.open()[0].ticket.intervention.verdict is ClockVerdict.MISSED
    assert step(client, "confirm", text="je l'ai eu au téléphone sur place")[0] == 409
    assert azay.trail().count("Arrive") == 1


def test_a_clock_that_runs_ahead_is_cut_to_now(azay: World, client: TestClient) -> None:
    step(client, "arrive", at_us=azay.clock.at_us + HOUR)
    assert azay.ticket().on_site_at_us == azay.clock.at_us


def test_told_more_than_a_day_late_is_refused(azay: World, client: TestClient) -> None:
    at = azay.clock.at_us
    azay.pass_time(25 * HOUR)
    assert step(client, "arrive", at_us=at)[0] == 409


@pytest.mark.parametrize(
    ("shown", "status", "proof"),
    [
        ({"label": site_token(SECRET, 1)}, 200, "label"),
        ({"label": site_token(SECRET, 2)}, 409, ""),
        ({"lat": 47.351, "lon": 0.8457}, 200, "position 111 m"),
        ({"lat": 47.36, "lon": 0.8457}, 409, ""),
        ({"code": "000000"}, 409, ""),
        ({}, 422, ""),
    ],
)
def test_presence(azay: World, client: TestClient, shown: dict[str, object], status: int, proof: str) -> None:
    assert step(client, "arrive", presence=shown)[0] == status
    assert azay.ticket().on_site_proof == proof


def test_a_refusal_is_told_in_the_persons_language_with_its_key(azay: World, client: TestClient) -> None:
    step(client, "depart")
    again = client.post("/api/v1/tickets/1/steps", json={"step": "depart"}, headers={"Cookie": "langue=en"})
    assert again.json()["detail"] == "Already noted en route."
    assert again.headers["X-Refusal"] == "ticket.refused.already_en_route"


def test_the_position_itself_is_written_nowhere(azay: World, client: TestClient) -> None:
    step(client, "arrive", presence={"lat": 47.35123, "lon": 0.84571})
    azay.database.close()
    assert b"47.35123" not in b"".join(path.read_bytes() for path in azay.folder.glob("fleet.db*"))


def test_a_pause_needs_a_reason_of_the_list(azay: World, client: TestClient) -> None:
    status, body = step(client, "pause", reason="tired")
    assert status == 422
    assert "access_refused" in str(body)
    assert step(client, "pause", reason="access_refused", text="Mairie fermée")[0] == 200
    assert azay.ticket().paused


def test_photos_are_kept_without_their_place_and_limited(azay: World, client: TestClient) -> None:
    image = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    image.new("RGB", (8, 8)).save(file, "JPEG", comment=b"SECRET")
    for _ in range(2):
        answer = client.post("/api/v1/tickets/1/photos", files={"file": ("../a.jpg", file.getvalue())})
        assert answer.json()["photo"] == 1
    assert b"SECRET" not in client.get("/api/v1/tickets/1/photos/1").content
    assert client.post("/api/v1/tickets/1/photos", files={"file": ("a.svg", b"<svg/>")}).status_code == 422
    assert client.get("/api/v1/tickets/1/photos/2").status_code == 404


def test_the_whole_way(azay: World, client: TestClient) -> None:
    for name in ("acknowledge", "depart", "arrive"):
        assert step(client, name)[0] == 200
    azay.restore("a1")
    azay.pass_time(2 * MINUTE)
    assert step(client, "close")[0] == 409
    assert step(client, "close", cause="disjoncteur", action="réarmé", parts=["fusible"])[0] == 200
    assert azay.ticket().state is TicketState.CLOSED
    assert step(client, "reopen", reason="revenu trop tôt")[0] == 200
    assert azay.trail()[-1] == "Reopen"


def test_calls_and_lists(azay: World, client: TestClient) -> None:
    body = {"commune_insee": "37015", "text": "plus rien", "caller": "Mairie"}
    assert client.post("/api/v1/tickets", json=body).json()["ticket"] == 1
    assert client.post("/api/v1/tickets", json=body | {"commune_insee": "00000"}).status_code == 422
    assert client.get("/api/v1/incidents").json()["incidents"][0]["ticket"]["ticket"]["id"] == 1
    assert len(client.get("/api/v1/tickets?state=all").json()["tickets"]) == 1
    assert client.get("/api/v1/tickets/1").json()["notifications"]
    assert client.get("/api/v1/tickets/9").status_code == 404
