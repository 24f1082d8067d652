"""The import document, ``{"communes": […], "sites": […], …}``: read whole, every problem named by its path.

A field that is not there leaves what the registry has; a new row needs ``NEEDED``.  Pure: bytes in, rows and
problems out.  What points outside the document (a site's commune, a gateway's site)
is checked against the keys that are already known.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from agent.wire.eui import parse_eui
from agent.wire.reasons import Reason
from agent.wire.resolved import resolved
from fleet.lang.coordinates import misplaced
from fleet.lang.paris import instant_us
from fleet.lang.text import one_line, paragraph
from fleet.registry.model import AgreementKind, Need, SiteKind, Status
from fleet.registry.problem import Problem, row_misfit

PROBLEMS_LIMIT = 1000
"""Problems listed; beyond, only counted."""

Insee = Annotated[str, Meta(pattern=r"^(\d{5}|2[AB]\d{3})$")]
Key = Annotated[str, Meta(min_length=1, max_length=64)]
Words = Annotated[str, Meta(min_length=1, max_length=200)]
Short = Annotated[str, Meta(max_length=200)]
Label = Annotated[str, Meta(max_length=100)]
Day = Annotated[str, Meta(pattern=r"^(\d{4}-\d{2}-\d{2})?$")]
Lat = Annotated[float, Meta(ge=-90, le=90)]
Lon = Annotated[float, Meta(ge=-180, le=180)]


class _Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class CommuneRow(_Row, frozen=True, kw_only=True):
    """One commune; ``polygon`` is a GeoJSON geometry."""

    insee: Insee
    name: Words | UnsetType = UNSET
    epci: Short | UnsetType = UNSET
    departement: Annotated[str, Meta(max_length=3)] | UnsetType = UNSET
    population: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    lat: Lat | UnsetType | None = UNSET
    lon: Lon | UnsetType | None = UNSET
    polygon: dict[str, Any] | UnsetType | None = UNSET


class SiteRow(_Row, frozen=True, kw_only=True):
    """One place where a gateway can hang."""

    key: Key
    name: Words | UnsetType = UNSET
    commune_insee: Insee | UnsetType = UNSET
    kind: SiteKind | UnsetType = UNSET
    owner: Short | UnsetType = UNSET
    address: Annotated[str, Meta(max_length=300)] | UnsetType = UNSET
    lat: Lat | UnsetType | None = UNSET
    lon: Lon | UnsetType | None = UNSET
    access_notes: str | UnsetType = UNSET
    needs: list[Need] | UnsetType = UNSET
    power_feeder: Label | UnsetType = UNSET


class GatewayRow(_Row, frozen=True, kw_only=True):
    """One box and the site where it hangs or shall hang."""

    eui: str
    name: Words | UnsetType = UNSET
    site_key: Key | UnsetType = UNSET
    backhaul_operator: Label | UnsetType = UNSET
    power_feeder: Label | UnsetType = UNSET
    hardware: Label | UnsetType = UNSET
    firmware: Label | UnsetType = UNSET
    antenna: Label | UnsetType = UNSET
    planned_on: Day | UnsetType = UNSET
    status: Status | UnsetType = UNSET


class MembershipRow(_Row, frozen=True, kw_only=True):
    """This gateway serves this commune, from an instant on (the import's own, when absent)."""

    commune_insee: Insee
    eui: str
    valid_from: dt.datetime | None = None

    @property
    def valid_from_us(self) -> int | None:
        """In microseconds UTC; an instant without a zone is refused."""
        if self.valid_from is None:
            return None
        return instant_us(self.valid_from)

    def __post_init__(self) -> None:
        if self.valid_from is not None and self.valid_from.tzinfo is None:
            raise ValueError("valid_from: needs a time zone, such as 2026-11-01T00:00:00+01:00")


class AgreementRow(_Row, frozen=True, kw_only=True):
    """Paper that a site needs; ISO days, empty when not yet."""

    site_key: Key
    kind: AgreementKind
    asked_on: Day = ""
    given_on: Day = ""
    reference: Annotated[str, Meta(max_length=200)] = ""


resolved(CommuneRow, SiteRow, GatewayRow, MembershipRow, AgreementRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Keys that exist before the import."""

    communes: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()
    gateways: frozenset[str] = frozenset()
    positions: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """INSEE code → latitude and longitude of the commune."""


@dataclass(slots=True, kw_only=True)
class Document:
    """What was read; nothing is applied while ``problems`` is not empty."""

    communes: list[CommuneRow] = field(default_factory=list)
    sites: list[SiteRow] = field(default_factory=list)
    gateways: list[GatewayRow] = field(default_factory=list)
    memberships: list[MembershipRow] = field(default_factory=list)
    agreements: list[AgreementRow] = field(default_factory=list)
    technicians: list[dict[str, Any]] = field(default_factory=list)
    on_call: list[dict[str, Any]] = field(default_factory=list)
    """People and duty are checked by ``fleet.oncall``."""
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0

    def refuse(self, path: str, text: str, *, key: str = "", rule: Reason | None = None) -> None:
        """Note one problem."""
        self.problem_count += 1
        if len(self.problems) < PROBLEMS_LIMIT:
            self.problems.append(Problem(column=path, text=text, key=key, rule=rule))


ROWS: dict[str, type[msgspec.Struct]] = {
    "communes": CommuneRow,
    "sites": SiteRow,
    "gateways": GatewayRow,
    "memberships": MembershipRow,
    "agreements": AgreementRow,
}
NEEDED = {"communes": ("name",), "sites": ("name", "commune_insee"), "gateways": ("name", "site_key")}
POINTS_TO = {"commune_insee": "commune", "site_key": "site", "eui": "gateway"}
PEOPLE = ("technicians", "on_call")
AnyRow = TypeVar("AnyRow", bound=msgspec.Struct)


def read_document(text: bytes, known: Known) -> Document:
    """Return the rows of ``text`` with every problem found, in document order."""
    document = Document()
    try:
        raw = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        document.refuse("document", f"not JSON: {error}")
        return document
    if not isinstance(raw, dict):
        document.refuse("document", 'must be an object such as {"communes": [], "sites": []}')
        return document
    for name in raw.keys() - ROWS.keys() - set(PEOPLE):
        document.refuse(str(name), f"not a section; sections are {', '.join((*ROWS, *PEOPLE))}")
    for name, kind in ROWS.items():
        getattr(document, name).extend(_rows(document, name, raw.get(name, []), kind))
    for name in PEOPLE:
        getattr(document, name).extend(_objects(document, name, raw.get(name, [])))
    _check_keys(document, known)
    return document


def _list(document: Document, name: str, raw: object) -> list[Any]:
    if isinstance(raw, list):
        return raw
    document.refuse(name, "must be a list")
    return []


def _objects(document: Document, name: str, raw: object) -> list[dict[str, Any]]:
    rows = _list(document, name, raw)
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            document.refuse(f"{name}[{index}]", "must be an object")
    return [row for row in rows if isinstance(row, dict)]


def _rows(document: Document, name: str, raw: object, kind: type[AnyRow]) -> list[AnyRow]:
    rows = []
    for index, item in enumerate(_list(document, name, raw)):
        path = f"{name}[{index}]"
        folded = _folded(item)
        try:
            row = msgspec.convert(folded, kind)
        except msgspec.ValidationError as error:
            at, text, rule = row_misfit(kind, folded, error)
            document.refuse(f"{path}.{at}" if at else path, text, rule=rule)
            continue
        try:
            rows.append(_with_plain_eui(row))
        except ValueError as error:
            document.refuse(path, str(error), key="refusal.eui")
    return rows


def _folded(item: object) -> object:
    """Return a row whose texts a mail and a page can show."""
    if not isinstance(item, dict):
        return item
    return {
        name: (paragraph if name == "access_notes" else one_line)(value) if isinstance(value, str) else value
        for name, value in item.items()
    }


def _with_plain_eui(row: AnyRow) -> AnyRow:
    if isinstance(row, GatewayRow | MembershipRow):
        return msgspec.structs.replace(row, eui=parse_eui(row.eui))
    return row


def _check_keys(document: Document, known: Known) -> None:
    communes = known.communes | _unique(document, "communes", [row.insee for row in document.communes])
    sites = known.sites | _unique(document, "sites", [row.key for row in document.sites])
    gateways = known.gateways | _unique(document, "gateways", [row.eui for row in document.gateways])
    _check_needed(document, "communes", [row.insee in known.communes for row in document.communes])
    _check_needed(document, "sites", [row.key in known.sites for row in document.sites])
    _check_needed(document, "gateways", [row.eui in known.gateways for row in document.gateways])
    _check_positions(document, known)
    _check_points(document, "sites", "commune_insee", communes)
    _check_points(document, "gateways", "site_key", sites)
    _check_points(document, "agreements", "site_key", sites)
    _check_points(document, "memberships", "commune_insee", communes)
    _check_points(document, "memberships", "eui", gateways)


def _check_positions(document: Document, known: Known) -> None:
    """Name the sites that are far from the commune that they say they are in."""
    here = {
        row.insee: (row.lat, row.lon)
        for row in document.communes
        if isinstance(row.lat, float) and isinstance(row.lon, float)
    }
    positions = {**known.positions, **here}
    for index, row in enumerate(document.sites):
        if isinstance(row.lat, float) and isinstance(row.lon, float):
            commune = None if row.commune_insee is UNSET else positions.get(row.commune_insee)
            wrong = misplaced(row.lat, row.lon, commune)
            if wrong:
                document.refuse(f"sites[{index}].lat", wrong)


def _check_needed(document: Document, section: str, known: list[bool]) -> None:
    for index, (row, is_known) in enumerate(zip(getattr(document, section), known, strict=True)):
        for name in NEEDED[section]:
            if not is_known and getattr(row, name) is UNSET:
                document.refuse(f"{section}[{index}].{name}", "is needed for a new row")


def _check_points(document: Document, section: str, name: str, keys: frozenset[str]) -> None:
    for index, row in enumerate(getattr(document, section)):
        key = getattr(row, name)
        if key is not UNSET and key not in keys:
            document.refuse(f"{section}[{index}].{name}", f"no {POINTS_TO[name]} {key}")


def _unique(document: Document, name: str, keys: list[str]) -> frozenset[str]:
    seen: set[str] = set()
    for index, key in enumerate(keys):
        if key in seen:
            text = f"{key} stands in the document twice"
            document.refuse(f"{name}[{index}]", text, key="refusal.twice")
        seen.add(key)
    return frozenset(seen)
