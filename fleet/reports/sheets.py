"""Reports as CSV (one file a table, zipped), XLSX (one sheet a table) and JSON (for machines).

CSV is what a French spreadsheet opens by a double click: UTF-8 with a mark, semicolons, decimal commas.  A
text that begins like a formula is written with an apostrophe before it, so that no spreadsheet runs it.
"""

import csv
import io
import zipfile
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction
from typing import Any

import msgspec
import xlsxwriter

from fleet.lang.paris import paris
from fleet.reports.model import Cell, CellKind, Column, Report, Table

PERCENT_DIGITS = 4
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
ROWS_LIMIT = 1_048_575
"""Rows of a sheet below its head; further rows are cut and said so."""
SHEET_NAME_LIMIT = 31
SUMMARY = "synthese"
"""What stands above the tables: its own file and sheet."""
_EPOCH_ZIP = (1980, 1, 1, 0, 0, 0)
"""Date of every file in the archive, so that equal reports are equal bytes."""


def csv_of(table: Table) -> bytes:
    """Return one table as CSV."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow([_head(column) for column in table.columns])
    for row in table.rows:
        writer.writerow([_text(cell, column.kind) for cell, column in zip(row, table.columns, strict=True)])
    return out.getvalue().encode("utf-8-sig")


def csv_archive(report: Report) -> bytes:
    """Return every table as CSV in one ZIP."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        lines = "".join(f"{line}\r\n" for line in map(_safe, report.lines))
        archive.writestr(zipfile.ZipInfo(f"{SUMMARY}.csv", _EPOCH_ZIP), lines.encode("utf-8-sig"))
        for table in report.tables:
            archive.writestr(zipfile.ZipInfo(f"{table.name}.csv", _EPOCH_ZIP), csv_of(table))
    return out.getvalue()


def xlsx_of(report: Report) -> bytes:
    """Return a workbook: a first sheet with the sentences, then one sheet a table."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(out, options)
    bold = book.add_format({"bold": True})
    forms = {
        CellKind.PERCENT: book.add_format({"num_format": f"0.{'0' * PERCENT_DIGITS}%"}),
        CellKind.EUROS: book.add_format({"num_format": '#,##0.00 "€"'}),
        CellKind.DURATION: book.add_format({"num_format": "0.000"}),
    }
    first = book.add_worksheet(SUMMARY)
    for index, line in enumerate(report.lines):
        first.write_string(index, 0, line, bold if index == 0 else None)
    first.set_column(0, 0, 100)
    for table in report.tables:
        sheet = book.add_worksheet(table.name[:SHEET_NAME_LIMIT])
        for index, column in enumerate(table.columns):
            sheet.write_string(0, index, _head(column), bold)
        for number, row in enumerate(table.rows[:ROWS_LIMIT], start=1):
            for index, (cell, column) in enumerate(zip(row, table.columns, strict=True)):
                _write(sheet, (number, index), cell, column.kind, forms.get(column.kind))
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(1, len(table.rows)), len(table.columns) - 1)
        sheet.set_column(0, len(table.columns) - 1, 18)
    book.close()
    return out.getvalue()


def json_of(report: Report) -> bytes:
    """Return the report for machines: the same cells, durations in microseconds, percentages truncated."""
    told = {
        "title": report.title,
        "subtitle": report.subtitle,
        "answer": report.answer,
        "held": report.held,
        "standing": report.standing,
        "sentences": report.sentences,
        "identity": report.identity,
        "tables": [
            {
                "name": table.name,
                "title": table.title,
                "note": table.note,
                "columns": [{"title": one.title, "kind": one.kind} for one in table.columns],
                "rows": [
                    [_plain(cell, column.kind) for cell, column in zip(row, table.columns, strict=True)]
                    for row in table.rows
                ],
            }
            for table in report.tables
        ],
    }
    return msgspec.json.format(msgspec.json.encode(told), indent=1) + b"\n"


def _plain(cell: Cell, kind: CellKind) -> str | int | bool | float | None:
    """Return a cell for JSON: instants as Paris time, amounts in cents."""
    if cell is None or kind is CellKind.TEXT:
        return None if cell is None else str(cell)
    if kind is CellKind.INSTANT:
        return paris(int(cell)).isoformat(timespec="microseconds")
    if kind is CellKind.VERDICT:
        return cell if isinstance(cell, str) else bool(cell)
    return float(_number(cell, kind)) if kind is CellKind.PERCENT else int(cell)


def _head(column: Column) -> str:
    units = {CellKind.DURATION: " (s)", CellKind.PERCENT: " (%)", CellKind.EUROS: " (€)"}
    return column.title + units.get(column.kind, "")


def _text(cell: Cell, kind: CellKind) -> str:
    if cell is None:
        return ""
    if kind is CellKind.INSTANT:
        return paris(int(cell)).isoformat(timespec="milliseconds")
    if kind is CellKind.VERDICT:
        return cell if isinstance(cell, str) else "oui" if cell else "non"
    if kind is CellKind.TEXT or kind is CellKind.COUNT:
        return _safe(str(cell)) if kind is CellKind.TEXT else str(cell)
    return str(_number(cell, kind)).replace(".", ",")


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text


def _number(cell: Cell, kind: CellKind) -> Decimal:
    """Return a cell in the unit of its column's head."""
    assert cell is not None
    if kind is CellKind.PERCENT:
        return _truncated(Fraction(cell) * 100, PERCENT_DIGITS)
    return Decimal(int(cell)) / (1_000_000 if kind is CellKind.DURATION else 100)


def _truncated(value: Fraction, digits: int) -> Decimal:
    exact = Decimal(value.numerator * 10**digits // value.denominator)
    return exact.scaleb(-digits).quantize(Decimal(1).scaleb(-digits), ROUND_FLOOR)


def _write(sheet: Any, at: tuple[int, int], cell: Cell, kind: CellKind, form: Any) -> None:
    if cell is None:
        return
    match kind:
        case CellKind.PERCENT:
            sheet.write_number(*at, float(_truncated(Fraction(cell), PERCENT_DIGITS + 2)), form)
        case CellKind.DURATION:
            sheet.write_number(*at, int(cell) / 1_000_000, form)
        case CellKind.EUROS:
            sheet.write_number(*at, int(cell) / 100, form)
        case CellKind.COUNT:
            sheet.write_number(*at, int(cell))
        case _:
            sheet.write_string(*at, _text(cell, kind))
