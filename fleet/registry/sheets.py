"""Sheets in files and in the database: CSV and XLSX in, the whole registry out."""

import csv
import io
from pathlib import Path
from typing import Any

import xlsxwriter
from sqlalchemy import Connection, select

from fleet.db.outside import outside_write
from fleet.lang.spreadsheets import WorkbookRefused, cell_text, guarded, workbook
from fleet.registry.sheet import COLUMNS, LINES_LIMIT, SheetError, csv_cells
from fleet.registry.tables import agreements, gateways, sites

SUFFIXES = (".csv", ".xlsx")
SHEET_NAME = "Passerelles"


@outside_write
def read_cells(path: Path) -> list[list[str]]:
    """Return the cells of a CSV or XLSX file.

    Raises:
        SheetError: not readable as what its name says.
    """
    if path.suffix.lower() == ".csv":
        return csv_cells(path.read_bytes())
    try:
        book = workbook(path.read_bytes())
    except WorkbookRefused as error:
        raise SheetError(f"{path}: {error}") from error
    try:
        lines = book.worksheets[0].iter_rows(max_row=LINES_LIMIT + 2, values_only=True)
        return [[cell_text(cell) for cell in line] for line in lines]
    finally:
        book.close()


@outside_write
def write_cells(path: Path, cells: list[list[str]]) -> None:
    """Write ``cells`` as the file's name says; CSV as French Excel reads it (``;``, UTF-8 with a mark)."""
    if path.suffix.lower() == ".csv":
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
        writer.writerows([guarded(cell) for cell in line] for line in cells)
        path.write_bytes(text.getvalue().encode("utf-8-sig"))
        return
    book = xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet(SHEET_NAME)
    for row, line in enumerate(cells):
        for column, cell in enumerate(line):
            sheet.write_string(row, column, cell)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(1, len(cells) - 1), len(COLUMNS) - 1)
    book.close()


def export_cells(connection: Connection) -> list[list[str]]:
    """Return the registry as a sheet, a line per gateway, and one for each site without any."""
    rows = {row["id"]: row for row in connection.execute(select(sites).order_by(sites.c.key)).mappings()}
    papers = {(row["site_id"], row["kind"]): row for row in connection.execute(select(agreements)).mappings()}
    hanging: dict[int, list[Any]] = {}
    for gateway in connection.execute(select(gateways).order_by(gateways.c.eui)).mappings():
        hanging.setdefault(gateway["site_id"], []).append(gateway)
    cells = [[column.head for column in COLUMNS]]
    for site_id, site in rows.items():
        for gateway in hanging.get(site_id) or [None]:
            sources = {"site": site, "gateway": gateway}
            sources |= {kind: row for (owner, kind), row in papers.items() if owner == site_id}
            cells.append([_cell(sources.get(column.section), column.field) for column in COLUMNS])
    return cells


def _cell(source: Any, name: str) -> str:
    value = None if source is None else source[name]
    if isinstance(value, list):
        return ", ".join(str(word) for word in value)
    return "" if value is None else str(value)
