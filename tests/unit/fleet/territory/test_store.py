"""A file that says less takes nothing away; a merged commune keeps its past."""

import json

import pytest
from sqlalchemy import select

from fleet.cli.main import main
from fleet.registry.tables import communes, memberships
from fleet.territory.geojson import read
from fleet.territory.store import apply_territory, load_changes
from tests.unit.fleet.founded import NOW_US, founded_database

SQUARE = [[[0.7, 47.4], [0.8, 47.4], [0.8, 47.5], [0.7, 47.5], [0.7, 47.4]]]


def collection(*features):
    return json.dumps(
        {
            "type": "FeatureCollection",
            "features": [
                {"type": "Feature", "properties": given, "geometry": geometry} for given, geometry in features
            ],
        }
    ).encode()


def polygon(ring=SQUARE):
    return {"type": "Polygon", "coordinates": ring}


@pytest.fixture
def database(tmp_path):
    made = founded_database(tmp_path)
    yield made
    made.close()


def take(database, document):
    with database.write() as connection:
        return apply_territory(connection, read(document), source="file", now_us=NOW_US + 1)


def row_of(database, insee):
    with database.read() as connection:
        return connection.execute(select(communes).where(communes.c.insee == insee)).one()


@pytest.mark.parametrize(
    ("given", "epci"),
    [
        ({"code": "37281", "nom": "Vouvray"}, "CCTEV"),
        ({"INSEE_COM": "37281", "NOM": "Vouvray", "SIREN_EPCI": "200073161"}, "CCTEV"),
        (
            {"code": "37281", "nom": "Vouvray", "epci": {"nom": "CC Touraine-Est Vallées"}},
            "CC Touraine-Est Vallées",
        ),
    ],
)
def test_what_a_file_does_not_say_stays(database, given, epci):
    take(database, collection(({"code": "37281", "nom": "Vouvray"}, polygon())))
    take(database, collection((given | {"lat": "47.41", "lon": "0.8"}, None)))
    row = row_of(database, "37281")
    assert (row.epci, row.population, row.departement) == (epci, 3200, "37")
    assert row.polygon["type"] == "Polygon"


def test_the_gateways_of_a_merged_commune_serve_the_one_it_went_into(database):
    take(
        database,
        collection(
            ({"code": "37281", "nom": "Vouvray"}, polygon()),
            ({"code": "37015", "nom": "Azay"}, polygon([[[1, 47], [1.1, 47], [1.1, 47.1], [1, 47]]])),
        ),
    )
    into = polygon([[[0, 47], [2, 47], [2, 48], [0, 48], [0, 47]]])
    applied = take(database, collection(({"code": "37015", "nom": "Azay-Vouvray"}, into)))
    assert [(one.insee, one.kind, one.after) for one in applied.changes] == [
        ("37015", "renamed", "Azay-Vouvray"),
        ("37281", "merged", "37015"),
    ]
    assert row_of(database, "37281").name == "Vouvray"
    with database.read() as connection:
        rows = connection.execute(select(memberships)).all()
        assert len(load_changes(connection)) == 3
    ended = [row for row in rows if row.commune_insee == "37281"]
    assert [row.valid_until_at_us for row in ended] == [NOW_US + 1]
    assert len([row for row in rows if row.commune_insee == "37015" and row.valid_until_at_us is None]) == 3


def test_every_area_of_a_repaired_border_is_kept():
    bow_ties = [[[0, 47], [1, 48], [1, 47], [0, 48], [0, 47]]]
    found = read(collection(({"code": "37015", "nom": "Azay"}, polygon(bow_ties))))
    assert found.communes[0].polygon["type"] == "MultiPolygon"
    assert len(found.communes[0].polygon["coordinates"]) == 2
    assert "repaired" in found.remarks[0]


@pytest.mark.parametrize(
    ("point", "field"), [({"lat": "x", "lon": "1"}, "lat"), ({"lat": "47", "lon": "200"}, "lon")]
)
def test_a_place_that_is_none_is_named(point, field):
    found = read(collection(({"code": "37015", "nom": "Azay"} | point, None)))
    assert found.communes == ()
    assert found.refused[0].startswith(f"features[0]: {field}: ")


def test_on_the_command_line_a_dry_run_changes_nothing(tmp_path, capsys):
    from tests.unit.fleet.web.api.site import Site

    site = Site(tmp_path, open_access=True)
    file = tmp_path / "communes.geojson"
    file.write_bytes(collection(({"code": "37281", "nom": "Vouvray-sur-Loire"}, polygon()), ({}, None)))
    assert main(["territory", "import", "--data", str(tmp_path), "--dry-run", str(file)]) == 0
    given = capsys.readouterr().out
    assert "would import 1 communes, 1 with a border" in given
    assert "1 refused" in given
    assert "renamed 37281: Vouvray -> Vouvray-sur-Loire" in given
    assert row_of(site.database, "37281").name == "Vouvray"
    assert main(["territory", "import", "--data", str(tmp_path), str(file)]) == 0
    assert row_of(site.database, "37281").name == "Vouvray-sur-Loire"
