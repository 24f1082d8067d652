"""Sheets as Excel, LibreOffice and older tools really save them: cells out; pure.

    CSV                        UTF-8, UTF-16 (« Texte Unicode ») or Windows-1252; semicolons, commas or tabs
    XLSX with an empty fill    as Excel reads it: styles do not matter
    a title above the head     the head is the first line that names the columns
    empty columns at the end   left out, with the empty lines

A cell that holds a number is a ``NumberCell``: a spreadsheet keeps 15 digits, so that an identifier of 16
typed as a number becomes another (Excel specifications and limits, "Number precision").
"""

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import openpyxl
from openpyxl.workbook.workbook import Workbook

HEAD_LIMIT_LINES: Final = 10
"""The head is looked for so far down."""

UNPACKED_LIMIT_BYTES: Final = 256 * 1024 * 1024
"""A workbook that unpacks to more is not repaired: it is refused."""

DELIMITERS: Final = ";,\t"
FORMULA_MARKS: Final = ("=", "+", "-", "@", "\t", "\r")
_ESCAPE: Final = re.compile("_x([0-9A-Fa-f]{4})_")
"""A character that XML cannot hold, as Excel writes it (ECMA-376 part 1, 22.9.2.19 ST_Xstring)."""
_STYLES: Final = "xl/styles.xml"
_EMPTY_FILL: Final = re.compile(rb"<fill\s*/>|<fill\s*>\s*</fill>")
_ANY_STYLE: Final = b'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'


class NumberCell(str):
    """The text of a cell that the file holds as a number."""

    __slots__ = ()


class WorkbookRefused(ValueError):
    """Bytes that no spreadsheet program would open."""


def csv_text(content: bytes) -> str:
    """Return the text of a CSV file, whatever its encoding."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def csv_lines(content: bytes) -> Iterable[list[str]]:
    """Return the lines of a CSV file, whatever its delimiter."""
    text = csv_text(content)
    top = "\n".join(text.split("\n", HEAD_LIMIT_LINES)[:HEAD_LIMIT_LINES])
    delimiter = max(DELIMITERS, key=top.count)
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def workbook(content: bytes) -> Workbook:
    """Return a workbook as its cells, even where its styles are not what the standard asks for.

    Raises:
        WorkbookRefused: no workbook, or a damaged one.
    """
    repairs: tuple[Callable[[bytes], bytes], ...] = (
        lambda styles: styles,
        lambda styles: _EMPTY_FILL.sub(b"<fill><patternFill/></fill>", styles),
        lambda _: _ANY_STYLE,
    )
    why: Exception | None = None
    for number, repair in enumerate(repairs):
        try:
            book = content if number == 0 else _restyled(content, repair)
            return openpyxl.load_workbook(io.BytesIO(book), read_only=True, data_only=True)
        except (TypeError, ValueError, KeyError, OSError, zipfile.BadZipFile, SyntaxError) as error:
            why = error
    raise WorkbookRefused("not an XLSX workbook; open it and save it again as .xlsx") from why


def _restyled(content: bytes, repair: Callable[[bytes], bytes]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        if sum(part.file_size for part in packed.infolist()) > UNPACKED_LIMIT_BYTES:
            raise ValueError("unpacked too large to repair")
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, repair(part) if name == _STYLES else part)
    return out.getvalue()


def cell_text(cell: object) -> str:
    """Return what a cell says.

    >>> cell_text(12.0), type(cell_text(12.0)).__name__, cell_text(None)
    ('12', 'NumberCell', '')
    """
    if cell is None:
        return ""
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return NumberCell(int(cell) if float(cell).is_integer() else cell)
    day = getattr(cell, "date", None)
    return str(day()) if day is not None else _ESCAPE.sub(lambda match: chr(int(match[1], 16)), str(cell))


def head_index(lines: Sequence[Sequence[str]], is_head: Callable[[Sequence[str]], bool]) -> int:
    """Return where the head stands: the first line that is one, else the first line."""
    return next((index for index, line in enumerate(lines[:HEAD_LIMIT_LINES]) if is_head(line)), 0)


def guarded(cell: str) -> str:
    """Keep a spreadsheet from taking a text for a formula (OWASP "CSV Injection"); numbers stay.

    >>> guarded("=A1"), guarded("-1.5"), guarded("-1+cmd|' /C calc'!A1")
    ("'=A1", '-1.5', "'-1+cmd|' /C calc'!A1")
    """
    formula = cell.startswith(FORMULA_MARKS) and not re.fullmatch(r"-\d+(?:[.,]\d+)?", cell)
    return f"'{cell}" if formula else cell


def unguarded(cell: str) -> str:
    """Return what ``guarded`` was given."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_MARKS) else cell
