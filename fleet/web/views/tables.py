"""Tables whose order and filters live in the address, and their export; pure.

``?tri=-since`` sorts by a column, descending with the minus.  The export is what French spreadsheets open:
UTF-8 with a byte order mark, semicolons, decimal commas.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlencode

from fleet.lang.i18n import t

Row = TypeVar("Row")

SORT: Final = "tri"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[Row]):
    """One column: its name in the address, its title in the catalogue, and what it sorts and exports by."""

    key: str
    title: str
    value: Callable[[Row], Any]
    numeric: bool = False
    export: Callable[[Row], str | int | float | None] | None = None
    secondary: bool = False
    """Left out on a phone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorting:
    """By which column; ``text`` is how the address says it."""

    key: str
    descending: bool

    @property
    def text(self) -> str:
        """As in the address."""
        return ("-" if self.descending else "") + self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """One head of a shown table."""

    title: str
    href: str
    direction: str
    numeric: bool
    secondary: bool


def sorting_of(text: str | None, columns: Sequence[Column[Row]], default: str) -> Sorting:
    """Return the sorting that an address asks for; the default when it names no column."""
    for candidate in (text or "", default):
        key = candidate.removeprefix("-")
        if any(column.key == key for column in columns):
            return Sorting(key=key, descending=candidate.startswith("-"))
    return Sorting(key=columns[0].key, descending=False)


def sort(rows: Sequence[Row], columns: Sequence[Column[Row]], sorting: Sorting) -> list[Row]:
    """Return the rows in order; rows without a value come last either way."""
    column = next(column for column in columns if column.key == sorting.key)
    known = [row for row in rows if column.value(row) is not None]
    unknown = [row for row in rows if column.value(row) is None]
    return sorted(known, key=column.value, reverse=sorting.descending) + unknown


def address(path: str, query: Mapping[str, str], **changes: str | None) -> str:
    """Return ``path`` with the query changed; None or an empty text takes a name out.

    >>> address("/passerelles", {"tri": "name", "etat": "DOWN"}, tri=None)
    '/passerelles?etat=DOWN'
    """
    merged = {name: value for name, value in {**query, **changes}.items() if value}
    return f"{path}?{urlencode(merged)}" if merged else path


def heads(
    lang: str, path: str, query: Mapping[str, str], columns: Sequence[Column[Row]], sorting: Sorting
) -> list[Head]:
    """Return the heads with the address that sorts by each."""
    found = []
    for column in columns:
        here = column.key == sorting.key
        turned = Sorting(key=column.key, descending=not sorting.descending if here else column.numeric)
        found.append(
            Head(
                title=t(lang, column.title),
                href=address(path, query, **{SORT: turned.text, "page": None}),
                direction=("descending" if sorting.descending else "ascending") if here else "",
                numeric=column.numeric,
                secondary=column.secondary,
            )
        )
    return found


def csv_text(lang: str, columns: Sequence[Column[Row]], rows: Sequence[Row]) -> str:
    """Return the export of a table."""
    lines = [[t(lang, column.title) for column in columns]]
    lines += [[_cell(lang, (column.export or column.value)(row)) for column in columns] for row in rows]
    return "\ufeff" + "".join(";".join(_quoted(cell) for cell in line) + "\r\n" for line in lines)


def _cell(lang: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        text = f"{value:.6f}".rstrip("0").rstrip(".")
        return text.replace(".", ",") if lang == "fr" else text
    if isinstance(value, int):
        return str(value)
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _quoted(cell: str) -> str:
    if any(character in cell for character in ';"\r\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell
