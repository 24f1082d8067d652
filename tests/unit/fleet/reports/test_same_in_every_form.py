"""PDF, CSV, XLSX and JSON of one report say the same, cell by cell."""

import csv
import html
import io
import json
import re
import zipfile
from datetime import datetime
from fractions import Fraction

import pytest
from openpyxl import load_workbook

from fleet.objects.connectivity import DayCount, connectivity
from fleet.reports.model import CellKind
from fleet.reports.monthly import monthly
from fleet.reports.names import Names
from fleet.reports.pdf import html_of, pdf_of, show
from fleet.reports.sheets import csv_archive, json_of, xlsx_of
from tests.unit.fleet.reports.test_reports import GIVEN, TOLD

DAY = DayCount(
    day="2026-10-03", objects=9, heard=7, heard_fortnight=8, events=True, addresses_by_gateways={1: 4, 2: 3}
)
REPORT = monthly(GIVEN, TOLD, Names(gateways={"0016c00100000000": "=Église"}), found=connectivity([DAY]))
MACHINE = json.loads(json_of(REPORT))
ARCHIVE = zipfile.ZipFile(io.BytesIO(csv_archive(REPORT)))
BOOK = load_workbook(io.BytesIO(xlsx_of(REPORT)))
TABLES = [pytest.param(index, id=table.name) for index, table in enumerate(REPORT.tables)]


def meaning(cell, kind):
    """A cell of JSON as the number or word that the other forms must show."""
    if cell is None:
        return None
    match CellKind(kind):
        case CellKind.DURATION:
            return Fraction(cell, 1_000_000)
        case CellKind.EUROS:
            return Fraction(cell, 100)
        case CellKind.PERCENT:
            return Fraction(str(cell))
        case CellKind.COUNT:
            return Fraction(cell)
        case CellKind.INSTANT:
            return datetime.fromisoformat(cell).timestamp()
        case CellKind.VERDICT:
            return "oui" if cell else "non"
        case _:
            return cell or None


def of_csv(text, kind):
    if text == "":
        return None
    match CellKind(kind):
        case CellKind.DURATION | CellKind.EUROS | CellKind.PERCENT | CellKind.COUNT:
            return Fraction(text.replace(",", "."))
        case CellKind.INSTANT:
            return datetime.fromisoformat(text).timestamp()
        case _:
            return text.removeprefix("'")


def same(one, other):
    if isinstance(one, str) or isinstance(other, str) or one is None or other is None:
        return one == other
    return abs(one - other) < Fraction(1, 1000)


@pytest.mark.parametrize("index", TABLES)
def test_csv_and_json_hold_the_same_cells(index):
    told, table = MACHINE["tables"][index], REPORT.tables[index]
    assert told["name"] == table.name
    head, *rows = csv.reader(
        io.StringIO(ARCHIVE.read(f"{table.name}.csv").decode("utf-8-sig")), delimiter=";"
    )
    assert [title.partition(" (")[0] for title in head] == [
        column["title"].partition(" (")[0] for column in told["columns"]
    ]
    assert len(rows) == len(told["rows"]) == len(table.rows)
    kinds = [column["kind"] for column in told["columns"]]
    for row, other in zip(rows, told["rows"], strict=True):
        for cell, value, kind in zip(row, other, kinds, strict=True):
            assert same(of_csv(cell, kind), meaning(value, kind)), (table.name, cell, value)


@pytest.mark.parametrize("index", TABLES)
def test_xlsx_and_json_hold_the_same_cells(index):
    told, sheet = MACHINE["tables"][index], BOOK[REPORT.tables[index].name]
    _, *rows = sheet.iter_rows(values_only=True)
    kinds = [column["kind"] for column in told["columns"]]
    assert len(rows) == len(told["rows"])
    for row, other in zip(rows, told["rows"], strict=True):
        for cell, value, kind in zip(row, other, kinds, strict=True):
            wanted = meaning(value, kind)
            if isinstance(wanted, Fraction):
                scale = 100 if CellKind(kind) is CellKind.PERCENT else 1
                assert abs(Fraction(str(cell)) * scale - wanted) < Fraction(1, 1000)
            elif CellKind(kind) is CellKind.INSTANT and wanted is not None:
                assert abs(_instant(cell) - wanted) < 1
            else:
                assert ((cell or "").removeprefix("'") or None) == wanted


def _instant(cell):
    return datetime.fromisoformat(cell).timestamp() if isinstance(cell, str) else cell.timestamp()


@pytest.mark.parametrize("index", TABLES)
def test_paper_shows_the_same_cells(index):
    table = REPORT.tables[index]
    paper = table.on_paper()
    sections = re.findall(r"<section>(.*?)</section>", html_of(REPORT), re.DOTALL)
    assert len(sections) == len(REPORT.tables)
    cells = [html.unescape(one) for one in re.findall(r"<td[^>]*>(.*?)</td>", sections[index], re.DOTALL)]
    wanted = [
        show(cell, column, paper.blank)
        for row in paper.rows
        for cell, column in zip(row, paper.columns, strict=True)
    ]
    assert cells == wanted
    kept = [index for index, column in enumerate(table.columns) if not column.sheet_only]
    shown = [tuple(row[at] for at in kept) for row in table.rows[: table.paper_rows]]
    assert list(paper.rows) == shown


def test_what_stands_above_the_tables_is_the_same_everywhere():
    lines = list(REPORT.lines)
    assert [row[0] for row in BOOK["synthese"].iter_rows(values_only=True)] == lines
    assert ARCHIVE.read("synthese.csv").decode("utf-8-sig").splitlines() == lines
    head = (
        MACHINE["title"],
        MACHINE["subtitle"],
        MACHINE["answer"],
        *MACHINE["sentences"],
        MACHINE["identity"],
    )
    assert list(head) == lines
    page = html.unescape(html_of(REPORT))
    assert all(line in page for line in lines)


@pytest.mark.slow
def test_the_pdf_has_a_row_for_each_row_on_paper():
    reader = pytest.importorskip("pyhanko.pdf_utils.reader")
    root = reader.PdfFileReader(io.BytesIO(pdf_of(REPORT))).root
    rows = sum(len(table.on_paper().rows) for table in REPORT.tables)
    found = [node for node in _nodes(root["/StructTreeRoot"]) if node["/S"] == "/TR"]
    assert sum(any(cell["/S"] == "/TD" for cell in _nodes(row)) for row in found) == rows


def _nodes(node):
    children = node.get("/K", [])
    for one in children if isinstance(children, list) else [children]:
        child = one.get_object() if hasattr(one, "get_object") else one
        if hasattr(child, "get") and "/S" in child:
            yield child
            yield from _nodes(child)
