"""The members' object list: French spreadsheets in, no key out, every problem by row and column."""

import io

import pytest
from openpyxl import Workbook

from fleet.objects.sheet import Geolocation, ObjectListError, Status, read

HEAD = (
    "Nom*;Numéro de série*;Référence;Géolocalisation*;Latitude;Longitude;Statut;Groupe;"
    "Dev EUI*;Classe*;App EUI*;App Key*"
)
KEY = "00112233445566778899AABBCCDDEEFF"
GOOD = f"Compteur 1;S-1;R;MANUAL;47,3497;0,8438;SERVICE;;70B3D57ED0001234;A;70B3D57ED0000001;{KEY}"


def of(*rows, head=HEAD, encoding="utf-8"):
    return read("objets.csv", "\r\n".join((head, *rows)).encode(encoding))


def test_a_row():
    listed = of(GOOD)
    (row,) = listed.rows
    assert (row.dev_eui, row.name, row.lat, row.lon) == ("70b3d57ed0001234", "Compteur 1", 47.3497, 0.8438)
    assert (row.status, row.geolocation, row.group_name) == (Status.SERVICE, Geolocation.MANUAL, "VLN")
    assert listed.problems == ()


def test_the_key_is_dropped_at_the_door():
    listed = of(GOOD, GOOD.replace("0001234", "zzzz"))
    assert listed.keys_dropped == 2
    assert KEY.lower() not in repr(listed).lower()


def test_a_key_in_the_wrong_column_is_not_repeated():
    listed = of(GOOD.replace("70B3D57ED0001234", KEY))
    assert listed.problem_count == 1
    assert KEY not in repr(listed)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252"])
def test_encodings_of_french_spreadsheets(encoding):
    assert of(GOOD.replace("Compteur", "Été"), encoding=encoding).rows[0].name == "Été 1"


def test_commas_and_tabs():
    for sign in ",\t":
        rows = GOOD.replace("47,3497", "47.3497").replace("0,8438", "0.8438").replace(";", sign)
        assert of(rows, head=HEAD.replace(";", sign)).rows[0].lat == 47.3497


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (GOOD.replace("Compteur 1", ""), "ligne 2, nom : obligatoire"),
        (GOOD.replace("70B3D57ED0001234", "12"), "ligne 2, dev eui : 16 chiffres hexadécimaux"),
        (GOOD.replace("SERVICE", "ACTIF"), "ligne 2, statut : l’un de DELIVERY"),
        (GOOD.replace("47,3497", "97"), "ligne 2, latitude : entre -90 et 90"),
        (GOOD.replace("47,3497", ""), "ligne 2, latitude : obligatoire"),
        (GOOD.replace("47,3497", "nord"), "ligne 2, latitude : un nombre de degrés"),
        (GOOD.replace(";A;", ";D;"), "ligne 2, classe : A, B ou C"),
        (GOOD.replace("Compteur 1", "x" * 301), "ligne 2, nom : 301 signes, 300 au plus"),
    ],
)
def test_each_problem_names_row_and_column(wrong, problem):
    listed = of(wrong)
    assert listed.rows == ()
    assert problem in listed.problems[0]


def test_the_second_of_two_equal_euis_is_refused():
    assert "figure déjà plus haut" in of(GOOD, GOOD).problems[0]


def test_a_file_without_the_mandatory_columns():
    with pytest.raises(ObjectListError, match="dev eui"):
        of("a;b", head="x;y")


def test_a_binary_file():
    with pytest.raises(ObjectListError, match="neither CSV nor XLSX"):
        read("objets.xls", b"\xd0\xcf\x11\xe0\0\0\0")
    with pytest.raises(ObjectListError, match="not an XLSX"):
        read("objets.xlsx", b"PK\x03\x04 torn")


def test_a_workbook_with_one_sheet_a_type():
    book = Workbook()
    book.active.title = "Compteurs"
    book.active.append(HEAD.split(";"))
    book.active.append(GOOD.split(";"))
    book.create_sheet("Notes").append(["rien"])
    out = io.BytesIO()
    book.save(out)
    listed = read("objets.xlsx", out.getvalue())
    assert [row.object_type for row in listed.rows] == ["Compteurs"]
    assert listed.keys_dropped == 1
