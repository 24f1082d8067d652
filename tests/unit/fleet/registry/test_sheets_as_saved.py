"""Sheets as Excel, LibreOffice, Macs and old tools save them: the cases, and others of their kind."""

import io
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

from fleet.db.connect import Database
from fleet.exchange import FileRefused, check_file
from fleet.lang.spreadsheets import HEAD_LIMIT_LINES, NumberCell, WorkbookRefused, guarded, workbook
from fleet.objects import sheet as objects
from fleet.registry.sheet import SheetError, to_document
from fleet.registry.sheets import read_cells
from tests.golden.files import GOLDEN
from tests.unit.fleet.founded import founded_database

CASES = GOLDEN / "cases"
FILLS = CASES / "07-xlsx-empty-fill"
HEAD = ["EUI", "Passerelle", "Clé du site", "Site", "Commune (INSEE)", "Latitude", "Longitude", "Prévue le"]
LINE = ["70b3d57ed0001234", "Larçay 1", "larcay", "Église", "37124", "47,3667", "0,7833", "01/12/2026"]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = founded_database(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize(
    "path",
    [
        FILLS / "02_utf16.csv",
        FILLS / "12_trailing_semis.csv",
        FILLS / "15_nfd.csv",
        FILLS / "21_empty_fill.xlsx",
        FILLS / "26_title_row.xlsx",
        CASES / "08-newline-in-subject" / "14_u2028.csv",
        CASES / "08-newline-in-subject" / "22_alt_enter.xlsx",
    ],
    ids=lambda path: path.name,
)
def test_what_programs_save_is_read_and_names_are_a_line(path: Path) -> None:
    read = to_document(read_cells(path))
    assert read.problems == []
    (gateway,) = read.document["gateways"]
    assert gateway["eui"] == "70b3d57ed0001234"
    assert gateway["planned_on"] == "2026-12-01"
    assert gateway["name"] in ("V", "Vouvray château d’eau")
    assert len(gateway["name"].splitlines()) == 1


def test_an_eui_typed_as_a_number_is_refused() -> None:
    read = to_document(read_cells(CASES / "05-excel-15-digits" / "20_eui_number.xlsx"))
    assert any("format the column as text" in str(one) for one in read.problems)
    found = objects.read("o1.xlsx", (CASES / "05-excel-15-digits" / "o1_number.xlsx").read_bytes())
    assert found.rows == ()
    assert any("la cellule est un nombre" in problem for problem in found.problems)


def test_an_objects_workbook_with_an_empty_fill_is_read() -> None:
    found = objects.read("o2b.xlsx", (FILLS / "o2b_fill.xlsx").read_bytes())
    assert len(found.rows) == 1


def test_swapped_coordinates_are_named_and_offered_the_other_way_round(
    database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "swapped.csv"
    shutil.copy(CASES / "06-lat-lon-swapped" / "05_swapped.csv", path)
    with pytest.raises(FileRefused, match=r"write latitude 47\.4106 and longitude 0\.7988"):
        check_file(database, path)
    found = objects.read("o3.xlsx", (CASES / "06-lat-lon-swapped" / "o3_swapped.xlsx").read_bytes())
    assert found.rows == ()
    assert "inversées ; écrivez latitude 47" in found.problems[0]


@pytest.mark.parametrize("titles", [0, 1, HEAD_LIMIT_LINES - 1])
def test_a_title_above_the_head_keeps_the_numbers_of_lines(titles: int) -> None:
    above = [["Déploiement 2026"]] * titles
    read = to_document([*above, [*HEAD, "", " "], [*LINE, "", ""], ["", *LINE[1:]]])
    assert [one.line for one in read.problems] == [titles + 3]
    assert len(read.document["gateways"]) == 1


def test_a_head_further_down_is_none() -> None:
    with pytest.raises(SheetError, match="unknown columns"):
        to_document([*[["x"]] * HEAD_LIMIT_LINES, HEAD, LINE])


def test_a_number_is_refused_for_an_identifier_only() -> None:
    line = [NumberCell("7076050000012340"), *LINE[1:5], NumberCell("47.3667"), NumberCell("0.7833"), LINE[7]]
    read = to_document([HEAD, line])
    assert [(one.column, one.key) for one in read.problems] == [("EUI", "refusal.number_cell")]


def with_styles(styles: bytes) -> bytes:
    book = openpyxl.Workbook()
    book.active["A1"] = "EUI"  # type: ignore[index]
    plain, out = io.BytesIO(), io.BytesIO()
    book.save(plain)
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, styles if name == "xl/styles.xml" else old.read(name))
    return out.getvalue()


@pytest.mark.parametrize("styles", [b"", b"<x", b"<styleSheet><fills><fill/></fills></styleSheet>", b"\xff"])
def test_styles_never_matter(styles: bytes) -> None:
    assert workbook(with_styles(styles)).worksheets[0]["A1"].value == "EUI"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", with_styles(b"")[:400]])
def test_what_is_no_workbook_says_what_to_do(content: bytes) -> None:
    with pytest.raises(WorkbookRefused, match="save it again"):
        workbook(content)


@pytest.mark.parametrize("cell", ["=1+1", "+33", "@SUM(A1)", "-1+cmd|' /C calc'!A0", "\t=1", "\r=1"])
def test_no_export_holds_a_formula(cell: str) -> None:
    assert guarded(cell) == f"'{cell}"
