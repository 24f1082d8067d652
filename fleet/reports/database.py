"""A report as one SQLite file, a table for each of its tables: whoever checks a month asks it in SQL.

Nothing is rounded but percentages (truncated, as everywhere): durations are whole microseconds, amounts whole
cents, verdicts 1, 0 or NULL.  ``sqlite-utils`` makes each table from its columns and rows.
"""

from fractions import Fraction
from typing import Any

from sqlite_utils import Database

from fleet.lang.paris import paris
from fleet.reports.model import Cell, CellKind, Column, Report, Table
from fleet.reports.sheets import PERCENT_DIGITS, SUMMARY

_TYPES: dict[CellKind, type] = {
    CellKind.TEXT: str,
    CellKind.COUNT: int,
    CellKind.PERCENT: float,
    CellKind.DURATION: int,
    CellKind.INSTANT: str,
    CellKind.EUROS: int,
    CellKind.VERDICT: int,
}
_UNITS = {CellKind.PERCENT: " (%)", CellKind.DURATION: " (µs)", CellKind.EUROS: " (centimes)"}


def sqlite_of(report: Report) -> bytes:
    """Return the report as a database file; equal reports are equal bytes."""
    database = Database(memory=True)
    try:
        database.table(SUMMARY).insert_all(
            ({"ligne": number, "texte": text} for number, text in enumerate(report.lines, start=1)),
            pk="ligne",
        )
        for table in report.tables:
            _add(database, table)
        content: bytes = database.conn.serialize()
        return content
    finally:
        database.close()


def _add(database: Database, table: Table) -> None:
    names = _names(table.columns)
    types = {name: _TYPES[column.kind] for name, column in zip(names, table.columns, strict=True)}
    made = database.table(table.name).create(types)
    kinds = [column.kind for column in table.columns]
    made.insert_all(
        {name: _value(cell, kind) for name, cell, kind in zip(names, row, kinds, strict=True)}
        for row in table.rows
    )


def _names(columns: tuple[Column, ...]) -> list[str]:
    """Return the columns' names: titles with their units, numbered where two are equal to SQLite."""
    names: list[str] = []
    for column in columns:
        title = column.title + _UNITS.get(column.kind, "")
        taken = sum(title.casefold() == name.partition(" #")[0].casefold() for name in names)
        names.append(f"{title} #{taken + 1}" if taken else title)
    return names


def _value(cell: Cell, kind: CellKind) -> Any:
    if cell is None:
        return None
    if kind is CellKind.PERCENT:
        scale: int = 10**PERCENT_DIGITS
        return float(Fraction(Fraction(cell) * 100 * scale // 1, scale))
    if kind is CellKind.INSTANT:
        return paris(int(cell)).isoformat(timespec="microseconds")
    if kind is CellKind.VERDICT and isinstance(cell, str):
        return None
    return str(cell) if kind is CellKind.TEXT else int(cell)
