"""The members' object list from CSV or XLSX: rows and problems out, and never a key.  Pure.

The App Key column is dropped at the door: its cells are blanked in the row before anything else looks at it,
so that no key reaches a value, a message or a log.

A CSV may be UTF-8 or Latin-1 (Windows-1252), with semicolons, commas or tabs; the head row says which columns
there are, in French, with or without the star of mandatory ones.
Sources: CONV A4 2.2.4 (MISSION, "The object list").
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from agent.wire.eui import parse_eui
from fleet.lang.coordinates import misplaced
from fleet.lang.spreadsheets import (
    HEAD_LIMIT_LINES,
    NumberCell,
    WorkbookRefused,
    cell_text,
    csv_lines,
    csv_text,
    workbook,
)
from fleet.lang.text import one_line

ROWS_LIMIT = 500_000
"""300,000 sensors are promised for 2030 (AMI 1.2)."""
FILE_LIMIT_BYTES = 256 * 1024 * 1024
PROBLEMS_LIMIT = 1_000
"""Listed; beyond, only counted."""
CELL_LIMIT = 300
KEY_COLUMNS = ("appkey", "nwkkey", "appskey", "nwkskey", "genappkey")
"""Titles without spaces of columns that hold keys; none is ever kept."""
DEFAULT_GROUP = "VLN"


class Status(StrEnum):
    """Where an object stands; only ``SERVICE`` counts in the denominator."""

    DELIVERY = "DELIVERY"
    MAINTENANCE = "MAINTENANCE"
    SERVICE = "SERVICE"
    STOCK = "STOCK"
    NONE = "NONE"


class Geolocation(StrEnum):
    """How the place of an object is known."""

    NONE = "NONE"
    AUTO = "AUTO"
    MANUAL = "MANUAL"
    VIA_OTHER_DEVICE = "VIA_OTHER_DEVICE"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRow:
    """One object; there is no field for a key."""

    dev_eui: str
    name: str
    serial_number: str
    reference: str = ""
    equipment: str = ""
    address: str = ""
    geolocation: Geolocation
    lat: float | None = None
    lon: float | None = None
    status: Status = Status.NONE
    group_name: str = DEFAULT_GROUP
    offer: str = ""
    class_name: str
    app_eui: str = ""
    object_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectList:
    """What a file holds."""

    rows: tuple[ObjectRow, ...]
    problems: tuple[str, ...]
    """By sheet, row and column; a row with a problem is not among ``rows``."""
    problem_count: int
    keys_dropped: int
    """App Keys that were in the file and are nowhere else."""


class ObjectListError(ValueError):
    """A file that is no object list."""


COLUMNS = {
    "nom": "name",
    "numero de serie": "serial_number",
    "reference": "reference",
    "equipement": "equipment",
    "adresse": "address",
    "geolocalisation": "geolocation",
    "latitude": "lat",
    "longitude": "lon",
    "statut": "status",
    "groupe": "group_name",
    "offre": "offer",
    "dev eui": "dev_eui",
    "classe": "class_name",
    "app eui": "app_eui",
}
MANDATORY = ("name", "serial_number", "geolocation", "dev_eui", "class_name", "app_eui")
IDENTIFIERS = ("serial_number", "dev_eui", "app_eui")
"""Fields that a spreadsheet must not take for a number: it keeps 15 digits, and no zero before them."""

NUMBER_TEXT = "la cellule est un nombre ; mettez la colonne au format texte et ressaisissez"
TITLES = {field: title for title, field in COLUMNS.items()}


def read(name: str, content: bytes) -> ObjectList:
    """Return the objects of a file; ``name`` says by its ending what it is.

    Raises:
        ObjectListError: neither CSV nor XLSX, too large, or no head row with the mandatory columns.
    """
    if len(content) > FILE_LIMIT_BYTES:
        raise ObjectListError(f"{name}: {len(content)} bytes, at most {FILE_LIMIT_BYTES}")
    reader = _Reader()
    for sheet, rows in _sheets(name, content):
        reader.take(sheet, rows)
    if not reader.sheets:
        raise ObjectListError(f"{name}: no head row with {', '.join(TITLES[one] for one in MANDATORY)}")
    return ObjectList(
        rows=tuple(reader.rows.values()),
        problems=tuple(reader.problems[:PROBLEMS_LIMIT]),
        problem_count=len(reader.problems),
        keys_dropped=reader.keys_dropped,
    )


class _Reader:
    """Collects the rows of every sheet of a file."""

    def __init__(self) -> None:
        self.rows: dict[str, ObjectRow] = {}
        self.problems: list[str] = []
        self.keys_dropped = 0
        self.sheets = 0
        self._read = 0

    def take(self, sheet: str, rows: Iterator[list[str]]) -> None:
        """Take one sheet; one without the mandatory columns is no sheet of objects."""
        found = next(filter(_is_head, enumerate(map(_plain_line, islice(rows, HEAD_LIMIT_LINES)))), None)
        if found is None:
            return
        above, head = found
        fields = [COLUMNS.get(title) for title in head]
        self.sheets += 1
        secret = [index for index, title in enumerate(head) if title.replace(" ", "") in KEY_COLUMNS]
        for number, row in enumerate(rows, start=above + 2):
            self._drop_keys(row, secret)
            if not any(cell.strip() for cell in row):
                continue
            self._read += 1
            if self._read > ROWS_LIMIT:
                raise ObjectListError(f"{sheet}: more than {ROWS_LIMIT} rows")
            self._row(sheet, number, fields, row)

    def _drop_keys(self, row: list[str], secret: Sequence[int]) -> None:
        for index in secret:
            if index < len(row):
                self.keys_dropped += bool(row[index].strip())
                row[index] = ""

    def _row(self, sheet: str, number: int, fields: Sequence[str | None], row: Sequence[str]) -> None:
        named = [(field, cell) for field, cell in zip(fields, row, strict=False) if field is not None]
        cells = {field: one_line(cell) for field, cell in named}
        at = f"{sheet or 'fichier'} ligne {number}"
        wrong = [f"{at}, {TITLES[name]} : obligatoire" for name in MANDATORY if not cells.get(name)]
        wrong += [
            f"{at}, {TITLES[name]} : {NUMBER_TEXT}"
            for name, cell in named
            if name in IDENTIFIERS and isinstance(cell, NumberCell)
        ]
        wrong += [
            f"{at}, {TITLES[name]} : {len(cell)} signes, {CELL_LIMIT} au plus"
            for name, cell in cells.items()
            if len(cell) > CELL_LIMIT
        ]
        if not wrong:
            try:
                found = _object(cells, sheet)
            except ValueError as error:
                wrong = [f"{at}, {error}"]
            else:
                if found.dev_eui in self.rows:
                    wrong = [f"{at}, dev eui : {found.dev_eui} figure déjà plus haut"]
                else:
                    self.rows[found.dev_eui] = found
        self.problems.extend(wrong)


def _plain_line(line: list[str]) -> list[str]:
    return [_plain(cell) for cell in line]


def _is_head(numbered: tuple[int, list[str]]) -> bool:
    """Return whether a line names every mandatory column; a title may stand above it."""
    fields = [COLUMNS.get(title) for title in numbered[1]]
    return all(name in fields for name in MANDATORY)


def _object(cells: dict[str, str], sheet: str) -> ObjectRow:
    lat, lon = _degrees(cells, "lat", 90), _degrees(cells, "lon", 180)
    geolocation = Geolocation(_choice(cells, "geolocation", Geolocation))
    if geolocation is Geolocation.MANUAL and (lat is None or lon is None):
        raise ValueError("latitude : obligatoire quand la géolocalisation est MANUAL")
    if lat is not None and lon is not None and misplaced(lat, lon, None):
        raise ValueError(f"latitude, longitude : inversées ; écrivez latitude {lon} et longitude {lat}")
    class_name = cells["class_name"].upper()
    if class_name not in ("A", "B", "C"):
        raise ValueError("classe : A, B ou C")
    return ObjectRow(
        dev_eui=_eui(cells, "dev_eui"),
        name=cells["name"],
        serial_number=cells["serial_number"],
        reference=cells.get("reference", ""),
        equipment=cells.get("equipment", ""),
        address=cells.get("address", ""),
        geolocation=geolocation,
        lat=lat,
        lon=lon,
        status=Status(_choice(cells, "status", Status) or Status.NONE),
        group_name=cells.get("group_name") or DEFAULT_GROUP,
        offer=cells.get("offer", ""),
        class_name=class_name,
        app_eui=_eui(cells, "app_eui"),
        object_type=sheet,
    )


def _eui(cells: dict[str, str], field: str) -> str:
    try:
        return parse_eui(cells[field])
    except ValueError:
        # The cell is not repeated: a key that slipped into this column must not reach a message.
        raise ValueError(f"{TITLES[field]} : 16 chiffres hexadécimaux, comme 70b3d57ed0001234") from None


def _choice(cells: dict[str, str], field: str, kind: type[StrEnum]) -> str:
    value = cells.get(field, "").upper()
    if value and value not in [str(one) for one in kind]:
        raise ValueError(f"{TITLES[field]} : l’un de {', '.join(kind)}")
    return value


def _degrees(cells: dict[str, str], field: str, limit: int) -> float | None:
    text = cells.get(field, "").replace(",", ".")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{TITLES[field]} : un nombre de degrés, comme 47,3497") from None
    if not -limit <= value <= limit:
        raise ValueError(f"{TITLES[field]} : entre -{limit} et {limit}")
    return value


def _plain(title: str) -> str:
    """Return a column's title without accents, star or capitals.

    >>> _plain("Numéro de série*")
    'numero de serie'
    """
    letters = unicodedata.normalize("NFD", title.replace("*", "").replace("_", " ")).lower()
    return " ".join("".join(one for one in letters if not unicodedata.combining(one)).split())


def _sheets(name: str, content: bytes) -> Iterable[tuple[str, Iterator[list[str]]]]:
    if content[:4] == b"PK\x03\x04":
        return _xlsx(name, content)
    if b"\0" in csv_text(content[:1000]).encode():
        raise ObjectListError(f"{name}: neither CSV nor XLSX; save it as one of them")
    return [("", iter(csv_lines(content)))]


def _xlsx(name: str, content: bytes) -> Iterator[tuple[str, Iterator[list[str]]]]:
    try:
        book = workbook(content)
    except WorkbookRefused as error:
        raise ObjectListError(f"{name}: {error}") from error
    for sheet in book.worksheets:
        yield sheet.title, ([cell_text(cell) for cell in row] for row in sheet.values)
