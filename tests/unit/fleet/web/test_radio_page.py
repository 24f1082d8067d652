"""« Radio du réseau »: worst first, in words, as a file and as JSON; empty before the first survey."""

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, insert

from fleet.airtime.hearing import Silence
from fleet.airtime.survey import GatewayAir
from fleet.airtime.tables import air_surveys
from fleet.durations import MINUTE_US
from fleet.objects.tables import connectivity_days
from fleet.web.api import radio as api
from fleet.web.rendering import Words
from fleet.web.views.radio import AirRow, AirState, sentence_of, state_of
from tests.unit.fleet.web.network import make_app
from tests.unit.fleet.web.sample import DARK, NOW_US, eui_of

SILENCE = Silence(since_us=NOW_US - 57 * MINUTE_US, neighbours=4, usual_frames=512)


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    app = make_app(tmp_path)
    app.include_router(api.router)
    return TestClient(app, follow_redirects=False)


def air(**chosen: object) -> GatewayAir:
    fields: dict[str, object] = {"eui": "x", "frames": 1_000, "crc_failed": 20, "usual_frames": 1_000.0}
    fields |= {"busiest_hz": 868_100_000, "busiest_sf": 12, "load": 0.01, "collisions": 0.01}
    fields |= {"noise_dbm": -114.0, "usual_noise_dbm": -114.0}
    return GatewayAir(**(fields | chosen))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("measured", "silence", "state"),
    [
        (air(), None, AirState.CALM),
        (air(), SILENCE, AirState.SILENT),
        (None, None, AirState.UNTOLD),
        (air(load=0.0682), None, AirState.FULL),
        (air(load=0.0681), None, AirState.STRAINED),
        (air(load=0.034), None, AirState.CALM),
        (air(frames=499), None, AirState.FEWER),
        (air(frames=500), None, AirState.CALM),
        (air(frames=0, usual_frames=79.0), None, AirState.CALM),
        (air(frames=0, usual_frames=80.0), None, AirState.FEWER),
        (air(frames=0, usual_frames=None), None, AirState.CALM),
        (air(noise_dbm=-108.0), None, AirState.NOISY),
        (air(noise_dbm=-108.1), None, AirState.CALM),
        (air(noise_dbm=None), None, AirState.CALM),
    ],
)
def test_what_there_is_to_say_first(
    measured: GatewayAir | None, silence: Silence | None, state: AirState
) -> None:
    assert state_of(measured, silence) is state
    row = AirRow(
        eui="x", name="x", commune_insee="", commune="", state=state, air=measured, silence=silence,
        full_at=None, full_in_days=None,
    )  # fmt: skip
    for lang in ("fr", "en"):
        assert "radio." not in sentence_of(Words(lang, NOW_US), row)


def test_a_silent_gateway_in_service_says_so_on_its_page_and_stands_first(client: TestClient) -> None:
    mute = eui_of(2)
    assert "N’entend rien" not in client.get(f"/passerelles/{mute}").text
    client.app.state.parts.engine.hearing.silent = {mute: SILENCE}  # type: ignore[attr-defined]
    page = client.get(f"/passerelles/{mute}").text
    assert "En service" in page
    assert "Rien depuis 57\u202fmin, alors que la médiane de ses 4 voisines a reçu 512 trames." in page
    radio = client.get("/radio").text
    table = radio[radio.index('id="radio-table"') :]
    assert table.index(mute) == min(table.index(eui_of(index)) for index in range(11))
    assert client.get("/radio?etat=silent&csv=1").text.count("\r\n") == 2


def test_a_silent_gateway_in_service_stands_in_the_list_and_on_the_overview(client: TestClient) -> None:
    mute, dark = eui_of(2), DARK[0]
    for page in ("/", "/passerelles"):
        assert "etat=silent" not in client.get(page).text
    client.app.state.parts.engine.hearing.silent = {mute: SILENCE, dark: SILENCE}  # type: ignore[attr-defined]
    assert "1 passerelle en service n’entend rien" in client.get("/").text
    page = client.get("/passerelles").text
    assert page.count('<span class="state-note">N’entend rien</span>') == 1
    assert re.search(r'href="/passerelles\?etat=silent"[^>]*>.{0,80}entend rien.{0,80}>1<', page, re.DOTALL)
    exported = client.get("/passerelles?etat=silent&csv=1").text
    assert exported.count("\r\n") == 2
    assert mute in exported
    assert "N’entend rien" in exported or "N'entend rien" in exported


def test_the_survey_is_shown_sorted_filtered_and_exported(client: TestClient) -> None:
    page = client.get("/radio").text
    assert "relevée" in page
    assert page.count('class="curve"') == 2
    for key in (
        "state",
        "name",
        "full",
        "cell",
        "lost",
        "frames",
        "habit",
        "crc",
        "noise",
        "duty",
        "alone",
        "plan",
    ):
        for order in (key, f"-{key}"):
            assert client.get(f"/radio?tri={order}").status_code == 200
    rows = client.get("/radio?csv=1").text.splitlines()
    assert len(rows) == 12
    assert rows[0].startswith("\ufeffEUI;")
    assert client.get("/radio?q=monnaie&csv=1").text.count("\r\n") == 2


def test_before_the_first_survey_the_page_says_what_would_be_here(client: TestClient) -> None:
    with client.app.state.parts.database.write() as connection:  # type: ignore[attr-defined]
        connection.execute(delete(air_surveys))
    page = client.get("/radio").text
    assert "Parmi les passerelles mesurées" in page
    assert page.count("Pas de mesure") >= 11
    answer = client.get("/api/v1/radio").json()
    assert answer["surveyed_at_us"] is None
    assert {one["state"] for one in answer["items"]} == {"untold"}


def test_growth_says_which_gateway_is_full_first_and_when(client: TestClient) -> None:
    day = {
        "objects": 0,
        "heard": 0,
        "heard_fortnight": 0,
        "heard_month": 0,
        "frames": 0,
        "frames_redundant": 0,
    }
    rows = [
        day
        | {"day": f"2026-11-{number:02d}", "events": False, "counted_at_us": NOW_US}
        | {"addresses_by_gateways": {"1": 1_000 + 10 * number, "2": 100}}
        for number in range(1, 21)
    ]
    assert "Il faut deux semaines" in client.get("/radio").text
    with client.app.state.parts.database.write() as connection:  # type: ignore[attr-defined]
        connection.execute(insert(connectivity_days), rows)
    page = client.get("/radio").text
    assert "1\u202f300 objets entendus le dernier jour compté, 10,0 de plus par jour." in page
    answer = client.get("/api/v1/radio?limit=1").json()
    assert (answer["sensors"], answer["sensors_per_day"]) == (1_300, 10.0)
    assert answer["items"][0]["full_at_sensors"] > 0
    assert answer["next"] == eui_of(0)
