"""Open data: exact, checkable, without any place; provisional until the month is closed."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.availability.reckoning import reckon
from fleet.cli.main import main
from fleet.facts.months import closes_at_us
from fleet.facts.settings import DEFAULTS
from fleet.facts.states import CommuneState
from fleet.months.versions import close_month
from fleet.reports import opendata
from fleet.reports.store import opendata as opendata_of
from fleet.simulation.network import network_month
from tests.unit.fleet.founded import founded_database
from tests.unit.fleet.web.api.site import Site

MONTH = "2026-10"
GIVEN = network_month(gateways=6, communes=3, troubles=60, month=MONTH).given
TOLD = reckon(GIVEN)
NOW_US = closes_at_us(MONTH)


def rows_of(made):
    return list(csv.DictReader(io.StringIO(made.decode("utf-8"), newline="")))


def test_seconds_are_the_figures_and_add_up_to_the_month():
    rows = rows_of(opendata.csv_of_month(GIVEN, TOLD, version=2, digest="a" * 64))
    assert [row["code_insee"] for row in rows] == sorted(TOLD.commune_figures)
    for row in rows:
        figures = TOLD.commune_figures[row["code_insee"]]
        told = {name: int(row[name].replace(".", "")) for name in opendata.STATES}
        assert sum(told.values()) == figures.length_us
        assert told["secondes_perdues"] == figures.by_state_us[CommuneState.LOST]
        assert (row["version"], row["provisoire"]) == ("2", "false")
    assert any(float(row["secondes_perdues"]) for row in rows)


def test_the_head_is_the_schema_and_names_no_place():
    made = opendata.csv_of_month(GIVEN, TOLD, version=None, digest="a" * 64)
    head = made.decode().split("\r\n", 1)[0].split(",")
    assert head == [field["name"] for field in opendata.table_schema()["fields"]]
    assert not any(eui in made.decode() for eui in GIVEN.facts.gateways)
    assert not {"lat", "lon", "adresse", "site"} & set(head)


def test_a_name_is_no_formula():
    card = replace(GIVEN.communes[0], name="=cmd()")
    given = replace(GIVEN, communes=(card, *GIVEN.communes[1:]))
    rows = rows_of(opendata.csv_of_month(given, TOLD, version=None, digest="a" * 64))
    assert {row["nom_commune"] for row in rows if row["code_insee"] == card.insee} == {"'=cmd()"}


def test_the_published_schema_is_the_one_of_the_code():
    told = json.loads((Path(__file__).parents[4] / "docs" / "opendata.schema.json").read_text("utf-8"))
    assert told == opendata.table_schema()


def test_provisional_until_closed_then_with_the_version_s_hash(tmp_path):
    database = founded_database(tmp_path)
    with database.write() as connection:
        (open_, *_) = rows_of(opendata_of(connection, MONTH, DEFAULTS, NOW_US))
        version = close_month(connection, MONTH, DEFAULTS, who="test", now_us=NOW_US)
        (closed, *_) = rows_of(opendata_of(connection, MONTH, DEFAULTS, NOW_US))
    database.close()
    assert (open_["version"], open_["provisoire"]) == ("", "true")
    assert (closed["version"], closed["provisoire"], closed["empreinte"]) == ("1", "false", version.hash)


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path, open_access=True)
    yield made
    made.database.close()


def test_over_http(site):
    answer = site.client.get(f"/api/v1/reports/opendata/{MONTH}.csv")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert {row["nom_commune"] for row in rows_of(answer.content)} == {"Vouvray", "Azay-sur-Cher"}
    assert site.client.get("/api/v1/reports/opendata/schema.json").json() == opendata.table_schema()
    assert site.client.get("/api/v1/reports/opendata/2026-13.csv").status_code == 422


def test_on_the_command_line(site, capsys):
    output = site.folder / "communes.csv"
    arguments = ["report", "opendata", "--data", str(site.folder), "--month", MONTH, "--output"]
    assert main([*arguments, str(output)]) == 0
    assert len(rows_of(output.read_bytes())) == 2
    assert json.loads((site.folder / "communes.schema.json").read_bytes()) == opendata.table_schema()
    assert main([*arguments, str(site.folder / "communes.pdf")]) == 2
    assert "--output" in capsys.readouterr().err
