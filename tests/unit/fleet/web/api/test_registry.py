"""The registry over HTTP: out, in again, tried first, and every problem named."""

import pytest

from fleet.identity.people import OPEN_ACCESS
from fleet.web.access import CSRF_HEADER
from tests.unit.fleet.founded import EUIS
from tests.unit.fleet.web.api.site import Site

GUARD = {CSRF_HEADER: OPEN_ACCESS.csrf_token}


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path, open_access=True)


def send(site, content, query=""):
    return site.client.post(f"/api/v1/registry{query}", content=content, headers=GUARD)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_what_comes_out_goes_in_as_no_change(site, form):
    before = site.client.get(f"/api/v1/registry?form={form}")
    assert before.status_code == 200
    told = send(site, before.content, f"?form={form}").json()
    assert (told["dry_run"], told["counts"]["gateways"]) == (False, 3)
    after = site.client.get("/api/v1/registry?form=csv").content
    assert send(site, after).status_code == 200
    assert site.client.get("/api/v1/registry?form=csv").content == after


def test_a_try_changes_nothing_and_latin_one_with_semicolons_is_read(site):
    sheet = f"EUI;Clé du site;Propriétaire\r\n{EUIS[0]};vouvray-mairie;Évêché\r\n".encode("latin-1")
    assert send(site, sheet, "?dry_run=true").json()["counts"]["sites"] == 1
    assert site.client.get("/api/v1/sites").json()["items"][1]["owner"] == ""
    assert send(site, sheet).status_code == 200
    assert site.client.get("/api/v1/sites").json()["items"][1]["owner"] == "Évêché"


def test_every_problem_is_named_by_line_and_column(site):
    sheet = "EUI;Clé du site;Latitude\r\nzz;vouvray-mairie;x\r\n".encode()
    answer = send(site, sheet)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()["errors"]
    assert [one.split(":")[0] for one in told] == ["line 2, column « Latitude »", "line 2, column « EUI »"]
    assert send(site, b"a;b\r\n").status_code == 422
    assert send(site, b"PK", "?form=xlsx").status_code == 422
    assert send(site, b"{", "?form=json").status_code == 422


def test_a_write_needs_the_guard(site):
    assert site.client.post("/api/v1/registry", content=b"").status_code == 403


def test_sites_come_in_pages_with_papers_and_history(site):
    head = "EUI;Clé du site;Accord ABF demandé le;Accord ABF référence"
    sheet = f"{head}\r\n{EUIS[0]};azay-eglise;2026-03-02;A 12\r\n"
    assert send(site, sheet.encode()).status_code == 200
    first = site.client.get("/api/v1/sites?limit=1").json()
    assert (first["items"][0]["key"], first["next"]) == ("azay-eglise", "azay-eglise")
    paper = {"kind": "abf", "asked_on": "2026-03-02", "given_on": "", "reference": "A 12"}
    assert first["items"][0]["agreements"] == [paper]
    second = site.client.get("/api/v1/sites?limit=1&after=azay-eglise").json()
    (past,) = second["items"][0]["hangings"]
    assert (past["eui"], second["next"]) == (EUIS[0], None)
    assert past["until_us"] == first["items"][0]["hangings"][-1]["from_us"]
    assert "access_notes" not in str(first)
