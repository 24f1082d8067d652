import html
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert

from agent.wire.messages import ConfigState
from fleet.configurations.change import change
from fleet.configurations.issue import issue_version
from fleet.configurations.working import working_versions
from fleet.evidence.clock_events import ClockChange, ClockEvent, note_event
from fleet.evidence.tables import reported_configurations
from fleet.evidence.timekeeping import ClockQuality
from fleet.lang.i18n import t as translated
from tests.unit.fleet.web.network import make_app
from tests.unit.fleet.web.sample import NOW_US, eui_of

PAGES = [
    "/",
    "/mur",
    "/carte",
    "/communes",
    "/communes/37015",
    "/communes/37015?fenetre=24h",
    "/incidents",
    "/incidents?tous=1",
    "/tickets/1",
    "/passerelles",
    "/passerelles?etat=DOWN&q=azay&tri=-name",
    f"/passerelles/{eui_of(1)}",
    f"/passerelles/{eui_of(0)}?fenetre=mois",
    "/radio",
    "/radio?etat=calm&q=a&tri=-full",
    "/deploiements",
    f"/deploiements?eui={eui_of(1)}",
    f"/passerelles/{eui_of(2)}/couper",
    "/deploiements/couches",
    "/deploiements/couches?couche=commune:37052",
    "/rapports",
    "/astreinte",
    "/travaux",
    "/journal",
    "/tickets/nouveau",
    "/guide",
    "/registre",
    "/sites/2",
    "/statistiques",
    "/pieces",
    "/messages-refuses",
    "/rapports/2026-10",
    "/objets",
    "/recherche?q=a",
    "/connexion",
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    folder: Path = tmp_path_factory.mktemp("web")
    return TestClient(make_app(folder), follow_redirects=False)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_every_page_renders_in_both_languages(client: TestClient, page: str, lang: str) -> None:
    answer = client.get(page, headers={"Cookie": f"langue={lang}"})
    assert answer.status_code == 200
    assert f'<html lang="{lang}"' in answer.text
    assert "style=" not in answer.text
    assert "<script>" not in answer.text


@pytest.mark.parametrize("quality", list(ClockQuality))
@pytest.mark.parametrize(("lang", "ahead"), [("fr", "−1 h"), ("en", "−1 h")])
def test_what_happened_to_our_clock_is_on_the_journal(
    client: TestClient, quality: ClockQuality, lang: str, ahead: str
) -> None:
    event = ClockEvent(
        at_us=NOW_US, change=ClockChange.QUALITY, quality=quality, difference_us=-3_600_000_000
    )
    with client.app.state.parts.database.write() as connection:  # type: ignore[attr-defined]
        note_event(connection, event)
    page = client.get("/journal", headers={"Cookie": f"langue={lang}"}).text
    assert translated(lang, f"clock.quality.{quality}") in html.unescape(page)
    assert ahead in html.unescape(page).replace("\u202f", " ").replace("\u00a0", " ")


@pytest.fixture(scope="module", params=[ConfigState.WAITING, ConfigState.TRIAL, ConfigState.REFUSED])
def changing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """Every gateway keeps a change until it is permitted, tries it, or refuses it."""
    app = make_app(tmp_path_factory.mktemp("changing"))
    with app.state.parts.database.write() as connection:
        for index, base in enumerate(working_versions(connection).values()):
            after = change(
                base.configuration, {"permit_needed": "true", "connectors.0.host": "lns2.example.fr"}
            )
            sent = issue_version(
                connection,
                app.state.parts.keys.signing,
                eui=base.eui,
                configuration=after,
                who="anne",
                now_us=NOW_US + index,
            )
            told = {
                "eui": base.eui,
                "version": base.version if request.param is not ConfigState.TRIAL else sent.version,
                "sha256": base.sha256,
                "state": int(request.param),
                "seen_version": sent.version,
                "reason": "",
                "at_us": NOW_US,
                "recorded_at_us": NOW_US,
            }
            connection.execute(insert(reported_configurations), told)
    return TestClient(app, follow_redirects=False)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_renders_while_changes_wait_for_their_permit(changing: TestClient, page: str) -> None:
    assert changing.get(page).status_code == 200
