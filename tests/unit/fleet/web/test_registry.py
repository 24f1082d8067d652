"""The registry as a file: tried, each problem by line and column, imported; labels, months and parts."""

import re
import zlib
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert, select

from fleet.months.tables import month_versions
from fleet.registry.tables import gateways
from fleet.web.pages.registry import FILE_LIMIT_BYTES
from tests.unit.fleet.web.network import make_app
from tests.unit.fleet.web.sample import NOW_US, eui_of

HEAD = "EUI;Passerelle;Clé du site;Site;Commune (INSEE);Latitude"
GOOD = f"{HEAD}\n{eui_of(77)};Larçay · Silo;site-77;Silo;37124;47,36\n"
BAD = f"{HEAD}\nxyz;Larçay · Silo;site-77;Silo;37124;nord\n;;;;;47\n"


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    return TestClient(make_app(tmp_path), follow_redirects=False)


def token(client: TestClient) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/registre").text)
    assert found
    return found[1]


def attempt(client: TestClient, content: bytes, name: str = "registre.csv") -> tuple[int, str]:
    answer = client.post(
        "/registre/essai", data={"csrf_token": token(client)}, files={"file": (name, content)}
    )
    return answer.status_code, answer.text


def known(client: TestClient) -> set[str]:
    with client.app.state.parts.database.read() as connection:  # type: ignore[attr-defined]
        return set(connection.execute(select(gateways.c.eui)).scalars())


def test_a_try_changes_nothing_and_its_file_can_be_imported(client: TestClient) -> None:
    before = known(client)
    status, text = attempt(client, GOOD.encode("cp1252"))
    assert status == 200
    assert known(client) == before
    kept = re.search(r'name="kept" value="([^"]+)"', text)
    assert kept
    form = {"csrf_token": token(client), "name": "registre.csv", "kept": kept[1]}
    assert client.post("/registre", data=form).headers["location"] == "/passerelles"
    assert known(client) - before == {eui_of(77)}


def test_every_problem_names_its_line_and_column(client: TestClient) -> None:
    status, text = attempt(client, BAD.encode())
    assert status == 422
    rows = re.findall(r'<tr><td class="n">(\d+)</td><td>(.*?)</td>', text)
    assert {("2", "EUI"), ("2", "Latitude"), ("3", "Clé du site")} <= set(rows)
    assert "ready" not in text


@pytest.mark.parametrize(
    ("name", "content"), [("a.exe", b"MZ"), ("a.csv", b"x" * (FILE_LIMIT_BYTES + 1)), ("a.xlsx", b"no zip")]
)
def test_what_is_no_registry_is_refused_in_words(client: TestClient, name: str, content: bytes) -> None:
    before = known(client)
    assert attempt(client, content, name)[0] == 422
    assert known(client) == before


def test_a_file_that_was_tampered_with_is_refused(client: TestClient) -> None:
    form = {"csrf_token": token(client), "name": "a.csv", "kept": "AAAA"}
    assert client.post("/registre", data=form).status_code == 422


def test_the_export_reads_back_as_the_same(client: TestClient) -> None:
    before = known(client)
    sheet = client.get("/registre/registre.csv").content
    assert attempt(client, sheet)[0] == 200
    assert known(client) == before


def test_the_label_of_a_cabinet_is_a_picture_without_anything_from_elsewhere(client: TestClient) -> None:
    answer = client.get("/sites/2/etiquette.svg")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert "style=" not in answer.text
    assert client.get("/sites/99/etiquette.svg").status_code == 404


def test_a_month_can_be_taken_home_and_checked(client: TestClient) -> None:
    facts = b'{"kind":"month"}\n'
    change = {"availability_percent": {"before": "99.9", "after": "99.8"}}
    difference = {
        "since_version": 1,
        "whole": change,
        "communes": [{"insee": "37015"} | change],
        "gateways": [],
    }
    difference |= {"facts_added": 1, "facts": [{"kind": "journal"}]}
    row = {
        "month": "2026-10",
        "closed_at_us": NOW_US,
        "closed_by": "system",
        "hash": "a" * 64,
        "figures": {"n": 1},
    }
    with client.app.state.parts.database.write() as connection:  # type: ignore[attr-defined]
        for version, told in ((1, {}), (2, difference)):
            values = row | {"version": version, "facts": zlib.compress(facts), "difference": told}
            connection.execute(insert(month_versions).values(**values))
    text = client.get("/rapports/2026-10").text
    assert "Ce qui change depuis la version 1" in text
    assert "99,8\u202f%" in text
    assert client.get("/rapports/2026-10/v2/faits.ndjson").content == facts
    assert client.get("/rapports/2026-10/v2/chiffres.json").json() == {"n": 1}
    assert client.get("/rapports/2026-10/v3/faits.ndjson").status_code == 404


def test_parts_are_noted_and_what_is_missing_is_asked_for(client: TestClient) -> None:
    form = {
        "csrf_token": token(client),
        "depot": "Tours",
        "name": "batterie 12 V",
        "change": "1",
        "limit": "2",
    }
    assert client.post("/pieces", data=form).status_code == 303
    assert "à commander" in client.get("/pieces").text
    refused = client.post("/pieces", data=form | {"change": "many"})
    assert refused.status_code == 422
    assert 'value="many"' in refused.text
