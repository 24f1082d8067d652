"""Communes from the three sources, refused features, repaired borders, overlaps, renamed and merged ones."""

import json

import pytest

from fleet.territory.changes import Change, ChangeKind, Known, changes
from fleet.territory.geojson import TerritoryError, read


def square(west=0.0, south=47.0, side=0.1):
    ring = [[west, south], [west + side, south], [west + side, south + side], [west, south + side]]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


BOW_TIE = {"type": "Polygon", "coordinates": [[[0, 47], [1, 48], [1, 47], [0, 48], [0, 47]]]}


def of(*features):
    rows = [
        {"type": "Feature", "properties": properties, "geometry": geometry}
        for properties, geometry in features
    ]
    return read(json.dumps({"type": "FeatureCollection", "features": rows}).encode())


@pytest.mark.parametrize(
    "properties",
    [
        {
            "INSEE_COM": "37015",
            "NOM": "Azay-sur-Cher",
            "POPULATION": 3107,
            "INSEE_DEP": "37",
            "SIREN_EPCI": "200073161",
        },
        {
            "code": "37015",
            "nom": "Azay-sur-Cher",
            "population": 3107,
            "codeDepartement": "37",
            "codeEpci": "200073161",
        },
        {"code": "37015", "nom": "Azay-sur-Cher"},
        {
            "insee": "37015",
            "name": "Azay-sur-Cher",
            "population": 3107,
            "epci_name": "CC Touraine-Est Vallées",
        },
    ],
    ids=["ADMIN EXPRESS", "geo.api.gouv.fr", "France GeoJSON", "ours"],
)
def test_names_of_fields(properties):
    (commune,) = of((properties, square())).communes
    assert (commune.insee, commune.name, commune.departement) == ("37015", "Azay-sur-Cher", "37")
    assert commune.population in (3107, None)
    assert commune.polygon is not None
    assert 47 < commune.lat < 47.1


def test_without_a_border_a_commune_is_a_point():
    (commune,) = of(({"code": "37015", "nom": "A", "lat": 47.3, "lon": 0.8}, None)).communes
    assert (commune.polygon, commune.lat, commune.lon) == (None, 47.3, 0.8)


@pytest.mark.parametrize(
    ("feature", "problem"),
    [
        (({"nom": "A"}, square()), "insee: '' is not five digits"),
        (({"code": "37015"}, square()), "name: missing"),
        (({"code": "37015", "nom": "A"}, None), "geometry: missing"),
        (({"code": "37015", "nom": "A", "population": "beaucoup"}, square()), "population: 'beaucoup'"),
        (({"code": "37015", "nom": "A"}, square(west=652_000.0)), "WGS 84, longitude first"),
        (
            ({"code": "37015", "nom": "A"}, {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}),
            "LineString",
        ),
        (({"code": "37015", "nom": "A"}, {"type": "Polygon", "coordinates": "x"}), "geometry"),
        ((None, square()), "properties: missing"),
    ],
)
def test_what_cannot_be_used_is_refused_by_number_and_field(feature, problem):
    territory = of(feature)
    assert territory.communes == ()
    assert territory.refused[0].startswith("features[0]: ")
    assert problem in territory.refused[0]


def test_the_second_of_two_equal_codes_is_refused():
    one = ({"code": "37015", "nom": "A"}, square())
    assert of(one, one).refused == ("features[1]: insee: 37015 was there before",)


def test_a_border_that_is_not_valid_is_repaired_and_said_so():
    territory = of(({"code": "37015", "nom": "A"}, BOW_TIE))
    assert territory.communes[0].polygon is not None
    assert "was repaired" in territory.remarks[0]


def test_overlaps_are_listed_and_both_are_kept():
    territory = of(
        ({"code": "37015", "nom": "A"}, square()), ({"code": "37016", "nom": "B"}, square(west=0.05))
    )
    assert len(territory.communes) == 2
    assert territory.remarks == ("37015 and 37016: the borders overlap by 50% of the smaller",)


@pytest.mark.parametrize("text", [b"nonsense", b"[]", b'{"type": "Feature"}', b"\xff"])
def test_no_feature_collection(text):
    with pytest.raises(TerritoryError):
        read(text)


def test_changes():
    found = of(
        ({"code": "37015", "nom": "Azay-sur-Cher"}, square()),
        ({"code": "37900", "nom": "Neuve"}, square(west=1)),
    )

    def known(insee, name, lon, departement="37"):
        return Known(insee=insee, name=name, departement=departement, lat=47.05, lon=lon)

    before = {
        "37015": known("37015", "Azay", 0.05),
        "37016": known("37016", "Fusionnée", 0.06),
        "37017": known("37017", "Disparue", 5.0),
        "41001": known("41001", "Ailleurs", 0.05, "41"),
    }
    assert changes(before, found.communes) == (
        Change(insee="37015", kind=ChangeKind.RENAMED, before="Azay", after="Azay-sur-Cher"),
        Change(insee="37016", kind=ChangeKind.MERGED, before="37016", after="37015"),
        Change(insee="37017", kind=ChangeKind.GONE, before="37017", after=""),
        Change(insee="37900", kind=ChangeKind.NEW, before="", after="Neuve"),
    )


@pytest.mark.slow
def test_two_whole_departements_that_share_every_border():
    """As many communes as Indre-et-Loire and Loir-et-Cher have in 2026: 272 and 267."""
    codes = [f"37{number:03}" for number in range(1, 273)] + [f"41{number:03}" for number in range(1, 268)]
    territory = of(
        *(
            (
                {"code": code, "nom": f"Commune {code}"},
                square(west=index % 24 / 8, south=47 + index // 24 / 8, side=0.125),
            )
            for index, code in enumerate(codes)
        )
    )
    assert [commune.insee for commune in territory.communes] == codes
    assert (territory.refused, territory.remarks) == ((), ())
    assert sum(commune.departement == "37" for commune in territory.communes) == 272


@pytest.mark.parametrize(
    ("west", "south", "taken"),
    [
        (0.8, 47.4, True),
        (180, 90, True),
        (-180, -90, True),
        (180.1, 0, False),
        (-180.1, 0, False),
        (0, 90.1, False),
        (0, -90.1, False),
    ],
)
def test_a_point_lies_on_the_earth(west, south, taken):
    found = of(({"insee": "37015", "name": "Azay"}, {"type": "Point", "coordinates": [west, south]}))
    assert (len(found.communes), len(found.refused)) == ((1, 0) if taken else (0, 1))
    if taken:
        assert (found.communes[0].lon, found.communes[0].lat) == (west, south)
    else:
        assert "outside ±180, ±90 degrees" in found.refused[0]
