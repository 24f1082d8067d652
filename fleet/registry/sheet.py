"""The registry as one sheet, a line per gateway, as installers and town halls exchange it; pure.

``to_document`` gives the import document of the same content, with every problem named by line and column;
``to_lines`` writes the sheet that reads back as the same.  Empty cells are left as they are in the registry.

Sources: MISSION "The deployment" (agreements); French Excel writes ``;``, a decimal comma and Windows-1252.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from agent.wire.eui import parse_eui
from agent.wire.reasons import Reason
from fleet.lang.spreadsheets import NumberCell, csv_lines, head_index, unguarded
from fleet.lang.text import iso_day, one_line, paragraph
from fleet.registry.document import AgreementRow, GatewayRow, SiteRow
from fleet.registry.model import AgreementKind
from fleet.registry.problem import Problem, row_misfit

LINES_LIMIT = 100_000
PROBLEMS_LIMIT = 1_000


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its head, and the field of a section that it fills."""

    head: str
    section: str
    field: str
    number: bool = False
    listed: bool = False
    """Several words in one cell, with commas between them."""


COLUMNS = (
    Column("EUI", "gateway", "eui"),
    Column("Passerelle", "gateway", "name"),
    Column("Statut", "gateway", "status"),
    Column("Opérateur de liaison", "gateway", "backhaul_operator"),
    Column("Matériel", "gateway", "hardware"),
    Column("Micrologiciel", "gateway", "firmware"),
    Column("Antenne", "gateway", "antenna"),
    Column("Prévue le", "gateway", "planned_on"),
    Column("Clé du site", "site", "key"),
    Column("Site", "site", "name"),
    Column("Commune (INSEE)", "site", "commune_insee"),
    Column("Type de site", "site", "kind"),
    Column("Propriétaire", "site", "owner"),
    Column("Adresse", "site", "address"),
    Column("Latitude", "site", "lat", number=True),
    Column("Longitude", "site", "lon", number=True),
    Column("Accès", "site", "access_notes"),
    Column("Besoins", "site", "needs", listed=True),
    Column("Départ électrique", "site", "power_feeder"),
    *(
        Column(f"{words} {what}", kind.value, name)
        for kind, words in (
            (AgreementKind.OWNER, "Accord propriétaire"),
            (AgreementKind.ROADS, "Accord voirie"),
            (AgreementKind.ABF, "Accord ABF"),
        )
        for what, name in (("demandé le", "asked_on"), ("donné le", "given_on"), ("référence", "reference"))
    ),
)
BY_HEAD = {column.head.casefold(): column for column in COLUMNS}
NEEDED = ("EUI", "Clé du site")
IDENTIFIERS = ("eui", "key")
"""Fields that a spreadsheet must not take for a number: it keeps 15 digits, and no zero before them."""

NUMBER_TEXT = "this cell is a number; format the column as text and type it again"


class SheetError(ValueError):
    """A file that is no sheet of ours at all; says what is missing."""


@dataclass(slots=True, kw_only=True)
class Read:
    """The import document of a sheet, and its problems by line and column."""

    document: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {"sites": [], "gateways": [], "agreements": []}
    )
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0
    sites: dict[str, tuple[dict[str, Any], int]] = field(default_factory=dict)
    """By key: what the lines so far say, and the first of them."""
    gateways: dict[str, int] = field(default_factory=dict)
    """EUI → its line."""

    def refuse(self, line: int, column: str, text: str, *, key: str = "", rule: Reason | None = None) -> None:
        """Note one problem."""
        self.problem_count += 1
        if len(self.problems) < PROBLEMS_LIMIT:
            self.problems.append(Problem(line=line, column=column, text=text, key=key, rule=rule))


def csv_cells(content: bytes) -> list[list[str]]:
    """Return the cells of a CSV file, whatever its encoding and delimiter."""
    return [[unguarded(cell) for cell in line] for line in csv_lines(content)]


def to_document(cells: list[list[str]]) -> Read:
    """Return the import document of a sheet whose first line is its head.

    Raises:
        SheetError: no head, a column that is not known or is there twice, or too many lines.
    """
    at = head_index(cells, _is_head)
    columns = _head(cells[at : at + 1])
    if len(cells) - 1 > LINES_LIMIT:
        raise SheetError(f"sheet: {len(cells) - 1} lines, at most {LINES_LIMIT}")
    read = Read()
    for number, line in enumerate(cells[at + 1 :], start=at + 2):
        if any(cell.strip() for cell in line):
            _read_line(read, columns, _trimmed(line), number)
    read.document["sites"] = [site for site, _ in read.sites.values()]
    return read


def _folded(head: str) -> str:
    return one_line(head).casefold()


def _is_head(line: Sequence[str]) -> bool:
    heads = {_folded(cell) for cell in line}
    return all(head.casefold() in heads for head in NEEDED)


def _trimmed(line: Sequence[str]) -> list[str]:
    """Return a line without the empty cells at its end, which old tools write."""
    filled = [index for index, cell in enumerate(line) if cell.strip()]
    return list(line[: filled[-1] + 1]) if filled else []


def _head(cells: list[list[str]]) -> list[Column]:
    if not cells:
        raise SheetError("sheet: empty; the first line names the columns")
    heads = _trimmed(cells[0])
    unknown = [head for head in heads if _folded(head) not in BY_HEAD]
    if unknown:
        known = ", ".join(column.head for column in COLUMNS)
        raise SheetError(f"sheet: unknown columns {', '.join(unknown)!s}; known are {known}")
    columns = [BY_HEAD[_folded(head)] for head in heads]
    missing = [head for head in NEEDED if BY_HEAD[head.casefold()] not in columns]
    if missing:
        raise SheetError(f"sheet: column {', '.join(missing)} is missing")
    if len(set(columns)) != len(columns):
        raise SheetError("sheet: a column is there twice")
    return columns


def _read_line(read: Read, columns: list[Column], line: list[str], number: int) -> None:
    found = _cells(read, columns, line, number)
    site, gateway = found.get("site", {}), found.get("gateway", {})
    key = site.get("key", "")
    if not key:
        read.refuse(number, "Clé du site", "is empty", key="refusal.empty")
        return
    _check(read, SiteRow, site, number, "site")
    _merge_site(read, site, number)
    if gateway:
        _read_gateway(read, gateway | {"site_key": key}, number)
    for kind in AgreementKind:
        if kind in found:
            row = {"site_key": key, "kind": kind.value} | found[kind]
            if _check(read, AgreementRow, row, number, kind.value):
                read.document["agreements"].append(row)


def _cells(read: Read, columns: list[Column], line: list[str], number: int) -> dict[str, dict[str, Any]]:
    """Return what a line says, by section and field."""
    found: dict[str, dict[str, Any]] = {}
    if len(line) > len(columns):
        read.refuse(number, columns[-1].head, f"{len(line)} cells, the head has {len(columns)}")
    for column, cell in zip(columns, line, strict=False):
        if column.field in IDENTIFIERS and isinstance(cell, NumberCell):
            read.refuse(number, column.head, NUMBER_TEXT, key="refusal.number_cell")
        text = (paragraph if column.field == "access_notes" else one_line)(cell).strip()
        if text:
            value = _value(read, column, text, number)
            if value is not None:
                found.setdefault(column.section, {})[column.field] = value
    return found


def _read_gateway(read: Read, gateway: dict[str, Any], number: int) -> None:
    try:
        gateway["eui"] = parse_eui(str(gateway.get("eui", "")))
    except ValueError as error:
        read.refuse(number, "EUI", str(error).removeprefix("eui: "), key="refusal.eui")
        return
    earlier = read.gateways.setdefault(gateway["eui"], number)
    if earlier != number:
        text = f"{gateway['eui']} stands in line {earlier} too"
        read.refuse(number, "EUI", text, key="refusal.twice")
        return
    if _check(read, GatewayRow, gateway, number, "gateway"):
        read.document["gateways"].append(gateway)


def _merge_site(read: Read, site: dict[str, Any], number: int) -> None:
    """Two boxes on one site repeat its cells, or leave them empty; they must not contradict."""
    before, earlier = read.sites.setdefault(site["key"], (dict(site), number))
    for name, value in site.items():
        if before.setdefault(name, value) != value:
            head = next(one.head for one in COLUMNS if (one.section, one.field) == ("site", name))
            read.refuse(number, head, f"{value!r} here, {before[name]!r} in line {earlier}")


def _check(read: Read, kind: type[msgspec.Struct], row: dict[str, Any], number: int, section: str) -> bool:
    try:
        msgspec.convert(row, kind)
    except (msgspec.ValidationError, ValueError) as error:
        name, text, rule = row_misfit(kind, row, error)
        head = next((one.head for one in COLUMNS if (one.section, one.field) == (section, name)), name)
        read.refuse(number, head, text, rule=rule)
        return False
    return True


def _value(read: Read, column: Column, text: str, number: int) -> object:
    if column.listed:
        return [word.strip() for word in text.split(",") if word.strip()]
    if column.field.endswith("_on"):
        return iso_day(text)
    if not column.number:
        return text
    try:
        return float(text.replace(",", "."))
    except ValueError:
        read.refuse(number, column.head, f"{text!r} is not a number", key="refusal.no_number")
        return None
