"""``GET /api/v1/reports/contest/…``: one download for the member that it concerns."""

import io
import json
import zipfile

import pytest

from fleet.cli.main import main
from fleet.identity import people
from fleet.months.versions import newest_version
from tests.unit.fleet.months.closed import CLOSED_US, MONTH, closed_month
from tests.unit.fleet.web.api.site import PASSWORD, Site

ADDRESS = f"/api/v1/reports/contest/{MONTH}.zip"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"), open_access=False)
    site.database.close()
    (site.folder / "fleet.db").unlink()
    closed_month(site.folder).close()
    site.clock.now = CLOSED_US + 60_000_000
    for name, territories in (("azay", ("CCTEV",)), ("blois", ("41",)), ("tous", ())):
        site.person(name, "viewer")
        with site.database.write() as connection:
            people.set_territories(connection, name, territories, who="test", now_us=CLOSED_US)
    return site


def ask(site, name, query=""):
    site.client.cookies.clear()
    assert site.client.post("/connexion", data={"name": name, "password": PASSWORD}).status_code == 303
    return site.client.get(f"{ADDRESS}{query}")


@pytest.mark.parametrize(
    ("name", "query", "status"),
    [
        ("azay", "?epci=CCTEV", 200),
        ("tous", "?epci=CCTEV", 200),
        ("tous", "", 200),
        ("blois", "?epci=CCTEV", 403),
        ("blois", "", 403),
        ("tous", "?epci=Nulle%20part", 404),
    ],
)
def test_a_bundle_is_for_the_member_that_it_concerns(site, name, query, status):
    assert ask(site, name, query).status_code == status


def test_it_is_taken_from_the_closed_version(site, tmp_path):
    answer = ask(site, "azay", "?epci=CCTEV")
    assert answer.headers["content-disposition"] == f'attachment; filename="contester-{MONTH}-cctev.zip"'
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    with site.database.read() as connection:
        version = newest_version(connection, MONTH)
    figures = json.loads(archive.read("chiffres.json"))
    assert figures["communes"] == version.figures["communes"]
    text = archive.read("LISEZMOI.txt").decode()
    assert version.hash in text
    assert "jusqu’au 4 déc. 2026 inclus" in text
    output = tmp_path / "contester.zip"
    arguments = ["--data", str(site.folder), "--month", MONTH, "--epci", "CCTEV", "--output", str(output)]
    assert main(["report", "contest", *arguments]) == 0
    assert output.read_bytes() == answer.content
