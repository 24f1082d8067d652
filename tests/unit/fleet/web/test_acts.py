"""What people do on the pages: guarded, once, with what was typed kept and every refusal in words."""

import base64
import html
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from fastapi.testclient import TestClient

from agent.wire.paths import PATHS
from fleet.approvals.model import TwoPersons
from fleet.configurations.store import newest_version
from fleet.configurations.tables import configuration_versions
from fleet.db.connect import Database
from fleet.durations import DAY_US
from fleet.identity.people import OPEN_ACCESS
from fleet.registry.tables import gateways
from fleet.tickets import store as tickets
from fleet.tickets.model import TicketState
from tests.unit.fleet.web.network import make_app
from tests.unit.fleet.web.sample import eui_of

TOKEN = {"csrf_token": OPEN_ACCESS.csrf_token}
ALL = 11
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""A PNG of one pixel."""


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    app = make_app(tmp_path)
    alone = msgspec.structs.replace(app.state.parts.settings, two_persons=TwoPersons(addresses=False))
    app.state.parts = replace(app.state.parts, settings=alone)
    yield TestClient(app, follow_redirects=False)
    app.state.parts.database.close()


def database_of(client: TestClient) -> Database:
    database: Database = client.app.state.parts.database  # type: ignore[attr-defined]
    return database


def ticket_state(client: TestClient) -> TicketState:
    with database_of(client).read() as connection:
        return tickets.get(connection, 1).state


def versions(client: TestClient) -> list[int]:
    with database_of(client).read() as connection:
        found = [newest_version(connection, eui_of(index)) for index in range(ALL)]
    return [one.version for one in found if one is not None]


def test_a_form_without_our_token_changes_nothing_and_says_so(client: TestClient) -> None:
    answer = client.post("/tickets/1/prendre", data={"csrf_token": "forged"})
    assert answer.status_code == 403
    assert "Rien n’a été changé" in answer.text
    assert ticket_state(client) is TicketState.REPORTED


def test_a_form_from_another_site_changes_nothing(client: TestClient) -> None:
    answer = client.post("/tickets/1/prendre", data=TOKEN, headers={"Origin": "https://evil.example"})
    assert (answer.status_code, ticket_state(client)) == (403, TicketState.REPORTED)


def test_acknowledge_then_arrive(client: TestClient) -> None:
    answer = client.post("/tickets/1/prendre", data=TOKEN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/tickets/1")
    assert ticket_state(client) is TicketState.ACKNOWLEDGED
    assert "Noté sur le ticket n° 1." in client.get("/tickets/1").text
    client.post("/tickets/1/arriver", data=TOKEN)
    assert ticket_state(client) is TicketState.ON_SITE


def test_a_refusal_is_told_in_words_and_stays_in_the_trail(client: TestClient) -> None:
    client.post("/tickets/1/prendre", data=TOKEN)
    answer = client.post("/tickets/1/prendre", data=TOKEN)
    assert answer.status_code == 409
    assert "Déjà pris en charge par démonstration." in answer.text


def test_nobody_can_close_what_telemetry_does_not_restore_and_the_report_is_kept(client: TestClient) -> None:
    report = {"cause": "disjoncteur", "action": "réarmé", "parts": ""}
    answer = client.post("/tickets/1/clore", data=TOKEN | report)
    assert answer.status_code == 409
    assert ticket_state(client) is TicketState.REPORTED


def test_pausing_needs_a_reason_of_the_list(client: TestClient) -> None:
    assert client.post("/tickets/1/suspendre", data=TOKEN | {"reason": "vacances"}).status_code == 422
    assert client.post("/tickets/1/suspendre", data=TOKEN | {"reason": "access_refused"}).status_code == 303
    assert "suspendu" in client.get("/tickets/1").text


def test_an_unknown_act_or_ticket_is_not_found(client: TestClient) -> None:
    assert client.post("/tickets/1/exploser", data=TOKEN).status_code == 404
    assert client.post("/tickets/99/prendre", data=TOKEN).status_code == 404
    assert client.get("/tickets/99").status_code == 404


def stamp_in(text: str) -> str:
    found = re.search(r'name="stamp" value="(\w+)"', text)
    assert found is not None
    return found[1]


def test_a_change_for_all_shows_differences_and_waves_then_begins_a_rollout(client: TestClient) -> None:
    typed = TOKEN | {"target": "all", "connectors.0.host": "lns.example.fr", "reason": "essai"}
    preview = client.post("/deploiements/apercu", data=typed)
    assert preview.status_code == 200
    assert "11 passerelles" in preview.text
    assert "10 communes" in preview.text
    assert preview.text.count("lns.example.fr</td>") == ALL
    assert "éclaireuses" not in preview.text, "no gateway here has neighbours enough to go first"
    assert re.search(r"\b5\W%", preview.text), "the first wave is a part of the fleet"
    sent = client.post("/deploiements", data=typed | {"stamp": stamp_in(preview.text)})
    assert (sent.status_code, sent.headers["location"]) == (303, "/deploiements/1")
    assert versions(client) == [1] * ALL, "the engine begins with the first wave"
    shown = client.get("/deploiements/1").text
    assert "Déploiement n° 1" in shown.replace("\u202f", " ").replace("&nbsp;", " ")
    assert "essai" in client.get("/deploiements").text


def test_the_reason_of_a_rollout_is_one_line_whatever_is_pasted(client: TestClient) -> None:
    typed = TOKEN | {"target": "all", "connectors.0.host": "lns.example.fr", "reason": "essai\u2028du\0 soir"}
    preview = client.post("/deploiements/apercu", data=typed)
    client.post("/deploiements", data=typed | {"stamp": stamp_in(preview.text)})
    assert "n° 1 · essai du soir" in client.get("/deploiements").text


def test_people_stop_and_take_back_a_rollout_on_its_page(client: TestClient) -> None:
    typed = TOKEN | {"target": "all", "connectors.0.host": "lns.example.fr", "reason": "essai"}
    preview = client.post("/deploiements/apercu", data=typed)
    client.post("/deploiements", data=typed | {"stamp": stamp_in(preview.text)})
    for word, state in (("pause", "en pause"), ("reprise", "en cours"), ("arret", "arrêté")):
        answer = client.post(f"/deploiements/1/{word}", data=TOKEN | {"reason": "doute"})
        assert answer.status_code == 303
        assert f"Déploiement {state}" in client.get("/deploiements/1").text
    assert client.post("/deploiements/1/pause", data=TOKEN).status_code == 409
    early = client.post("/deploiements/1/acceptation", data=TOKEN | {"reason": "doute"})
    assert (early.status_code, "en observation" in early.text) == (409, True)
    assert client.post("/deploiements/1/dormir", data=TOKEN).status_code == 404
    assert client.post("/deploiements/1/retour", data=TOKEN).status_code == 303
    assert client.get("/deploiements/9").status_code == 404


def test_a_push_to_one_leaves_the_others(client: TestClient) -> None:
    typed = TOKEN | {"target": eui_of(3), "intervals.heartbeat_s": "60"}
    preview = client.post("/deploiements/apercu", data=typed)
    client.post("/deploiements", data=typed | {"stamp": stamp_in(preview.text)})
    assert versions(client) == [1, 1, 1, 2] + [1] * 7


@pytest.mark.parametrize(
    ("path", "value"),
    [("connectors.0.port", "170000"), ("connectors.0.host", "lns example"), ("intervals.heartbeat_s", "abc")],
)
def test_a_value_outside_its_rule_is_marked_and_what_was_typed_is_kept(
    client: TestClient, path: str, value: str
) -> None:
    answer = client.post("/deploiements/apercu", data=TOKEN | {"target": "all", path: value})
    assert answer.status_code == 422
    assert re.search(rf'id="{re.escape(path)}"[^>]*value="{value}"[^>]*aria-invalid="true"', answer.text)
    assert versions(client) == [1] * ALL


def test_a_push_adds_a_server_by_the_fields_of_the_next_index(client: TestClient) -> None:
    second = {"connectors.1.name": "second", "connectors.1.host": "b.example", "connectors.1.port": "1700"}
    typed = TOKEN | {"target": eui_of(3), "despite": "essai", **second}
    preview = client.post("/deploiements/apercu", data=typed)
    assert preview.text.count("b.example</td>") == 1
    client.post("/deploiements", data=typed | {"stamp": stamp_in(preview.text)})
    assert versions(client)[3] == 2
    with database_of(client).write() as connection:
        connection.execute(configuration_versions.update().values(confirmed_at_us=1))
    typed = TOKEN | {"target": eui_of(3), "despite": "essai", "connectors.1": "null"}
    preview = client.post("/deploiements/apercu", data=typed)
    client.post("/deploiements", data=typed | {"stamp": stamp_in(preview.text)})
    assert versions(client)[3] == 3


def test_a_form_of_many_servers_keeps_its_reason_and_a_boundless_one_is_refused(client: TestClient) -> None:
    typed = TOKEN | {"target": eui_of(3), "intervals.heartbeat_s": "60"}
    many = {f"connectors.{number}.priority": "" for number in range(1, 200)}
    preview = client.post("/deploiements/apercu", data=typed | many | {"reason": "essai"})
    assert 'name="reason" value="essai"' in preview.text
    boundless = {f"connectors.{number}.priority": "" for number in range(600)}
    assert client.post("/deploiements/apercu", data=typed | boundless).status_code == 413


def test_the_page_asks_for_each_setting_by_its_kind(client: TestClient) -> None:
    text = client.get("/deploiements").text
    assert re.search(r'<select id="connectors\.0\.replay"', text)
    assert re.search(r'<input id="radio\.cable_loss_db" name="radio\.cable_loss_db" type="number"', text)


def test_the_path_to_the_server_is_named_with_what_it_can_lose(client: TestClient) -> None:
    french, _ = PATHS["semtech_udp"]
    assert html.escape(french, quote=False) in client.get("/deploiements").text
    assert html.escape(french, quote=False) in client.get(f"/passerelles/{eui_of(3)}").text


def test_a_push_over_somebody_elses_is_refused(client: TestClient) -> None:
    typed = TOKEN | {"target": "all", "connectors.0.host": "lns.example.fr", "reason": "essai"}
    stamp = stamp_in(client.post("/deploiements/apercu", data=typed).text)
    client.post("/deploiements", data=typed | {"stamp": stamp})
    late = typed | {"connectors.0.host": "other.example.fr", "stamp": stamp}
    assert client.post("/deploiements", data=late).status_code == 409


def test_a_push_that_changes_nothing_says_so(client: TestClient) -> None:
    answer = client.post("/deploiements/apercu", data=TOKEN | {"target": "all"})
    assert answer.status_code == 422
    assert "Rien ne changerait" in answer.text


def test_acceptance_counts_once(client: TestClient) -> None:
    assert client.post(f"/passerelles/{eui_of(0)}/recette", data=TOKEN).status_code == 409
    with database_of(client).write() as connection:
        connection.execute(
            gateways.update()
            .where(gateways.c.eui == eui_of(0))
            .values(accepted_at_us=None, status="installed")
        )
    assert "Prononcer la recette" in client.get(f"/passerelles/{eui_of(0)}").text
    assert client.post(f"/passerelles/{eui_of(0)}/recette", data=TOKEN).status_code == 303


def test_preferences_are_kept_and_never_lead_away(client: TestClient) -> None:
    answer = client.post("/preferences", data={"langue": "en", "theme": "dark", "back": "//evil.example"})
    assert answer.headers["location"] == "/"
    assert client.get("/passerelles").text.count("Gateways") > 1
    assert 'data-choice="dark"' in client.get("/").text


def test_a_photo_is_kept_and_what_is_none_is_refused(client: TestClient) -> None:
    picture = {"file": ("coffret.png", PIXEL, "image/png")}
    assert client.post("/tickets/1/photo", data=TOKEN, files=picture).status_code == 303
    assert "coffret.png, par démonstration" in client.get("/tickets/1").text
    words = {"file": ("coffret.png", b"no picture", "image/png")}
    assert client.post("/tickets/1/photo", data=TOKEN, files=words).status_code == 422


def test_works_are_announced_withdrawn_and_what_was_typed_is_kept(client: TestClient) -> None:
    typed = {
        "from": "2026-11-30T09:00",
        "until": "2026-11-30T08:00",
        "reason": "antenne",
        "euis": [eui_of(2)],
    }
    wrong = client.post("/travaux", data=TOKEN | typed)
    assert wrong.status_code == 422
    assert "La fin doit venir après le début." in wrong.text
    assert 'value="2026-11-30T09:00"' in wrong.text
    right = typed | {"until": "2026-11-30T11:00", "despite": "seule date possible"}
    assert client.post("/travaux", data=TOKEN | right).status_code == 303
    assert "décompté, préavis tenu" in client.get("/travaux").text
    assert client.post("/travaux/1/retirer", data=TOKEN).status_code == 303
    assert "retiré" in client.get("/travaux").text
    assert client.post("/travaux/1/retirer", data=TOKEN).status_code == 404


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"euis": []}, "Choisissez au moins une passerelle."),
        ({"euis": ["ffffffffffffffff"]}, "Choisissez au moins une passerelle."),
        ({"reason": " "}, "Dites pourquoi"),
        ({"from": "demain"}, "Une date et une heure"),
        ({"from": "2026-11-20T08:00", "until": "2026-11-20T09:00"}, "déjà passée"),
        ({"until": "2026-12-30T09:00"}, "7 jours au plus"),
        ({"from": "2028-11-30T08:00", "until": "2028-11-30T09:00"}, "Un an d’avance au plus."),
    ],
)
def test_works_that_cannot_be_say_why(client: TestClient, changed: dict[str, object], sentence: str) -> None:
    typed = {
        "from": "2026-11-30T08:00",
        "until": "2026-11-30T09:00",
        "reason": "antenne",
        "euis": [eui_of(2)],
    }
    answer = client.post("/travaux", data=TOKEN | typed | changed)
    assert answer.status_code == 422
    assert sentence in answer.text


def test_a_call_opens_a_ticket_or_joins_the_one_that_is_known(client: TestClient) -> None:
    call = {"origin": "phone", "commune": "37052", "caller": "M. Durand", "text": "plus aucun relevé"}
    answer = client.post("/tickets/nouveau", data=TOKEN | call)
    assert answer.headers["location"] == "/tickets/2"
    assert "M. Durand" in client.get("/tickets/2").text
    again = client.post("/tickets/nouveau", data=TOKEN | call | {"commune": "37015"})
    assert again.headers["location"] == "/tickets/1"


def test_a_call_without_words_or_place_is_marked(client: TestClient) -> None:
    call = {"origin": "phone", "commune": "37052", "caller": "M. Durand", "text": " "}
    answer = client.post("/tickets/nouveau", data=TOKEN | call)
    assert answer.status_code == 422
    assert 'value="M. Durand"' in answer.text
    assert client.post("/tickets/nouveau", data=TOKEN | call | {"commune": ""}).status_code == 422


def test_people_are_for_administrators(client: TestClient) -> None:
    assert client.get("/personnes").status_code == 403
    assert client.post("/personnes", data=TOKEN | {"name": "x"}).status_code == 403


def test_a_month_closes_once_it_is_due_and_again_only_if_facts_came(client: TestClient) -> None:
    assert client.post("/rapports/2026-11/clore", data=TOKEN).status_code == 409
    assert client.post("/rapports/2025-01/clore", data=TOKEN).status_code == 404
    clock = client.app.state.parts.clock  # type: ignore[attr-defined]
    clock.at_us += 20 * DAY_US
    assert client.post("/rapports/2026-11/clore", data=TOKEN).status_code == 303
    text = client.get("/rapports").text
    assert "2026-11 clos, version 1." in text
    assert re.search(r"[0-9a-f]{64}", text)
    client.post("/rapports/2026-11/clore", data=TOKEN)
    assert "rien n’a changé depuis la dernière version" in client.get("/rapports").text
