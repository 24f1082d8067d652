"""A month's facts as NDJSON: one JSON object a line, so that anyone can check a month without our database.

Each line has ``type``.  ``header`` comes first; all other lines may come in any order and twice.

    header       format, version, month, as_of_us, code
    settings     every contract setting
    commune      what a commune weighs and belongs to, frozen at the month's start
    gateway      the failure domains of a gateway
    coverage     how many sensors of a commune the same gateways hear, frozen at the month's start
    snapshot     when members, weights and settings were frozen, and who corrected them since
    run journal delivered commissioning maintenance statement membership blindness   the facts

The hash of a month is SHA-256 over the sorted canonical lines, so that neither order nor repetition shows.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import msgspec

from agent.wire.messages import Change, Radio, TimeQuality
from agent.wire.resolved import resolved
from fleet.availability.reckoning import CommuneCard, GatewayCard, MonthInput
from fleet.availability.sensors import Coverage
from fleet.facts.model import (
    Blindness,
    Commissioning,
    DeliveredFact,
    Fact,
    HeartbeatRun,
    JournalFact,
    Maintenance,
    Membership,
    NetworkFacts,
    OperatorStatement,
    Snapshot,
    gather,
)
from fleet.facts.settings import ContractSettings

FORMAT = "passerelle-facts"
FORMAT_VERSION = 1
CODE = "passerelle availability 4"
"""Raised whenever the same facts would give another figure; part of every hash."""
LINE_LIMIT_BYTES = 1 << 20
"""A line beyond this is not one of ours."""

KINDS: dict[str, type] = {
    "run": HeartbeatRun,
    "journal": JournalFact,
    "delivered": DeliveredFact,
    "commissioning": Commissioning,
    "maintenance": Maintenance,
    "statement": OperatorStatement,
    "membership": Membership,
    "blindness": Blindness,
}
TYPES: dict[str, type] = {
    "settings": ContractSettings,
    "commune": CommuneCard,
    "gateway": GatewayCard,
    "coverage": Coverage,
    "snapshot": Snapshot,
    **KINDS,
}
WORDS = {
    "JournalFact": (
        "value",
        "RADIO: RECEIVING, DEAF, OFF. CONNECTOR: UP, DOWN. SPOOL: ACCEPTING, FULL. BOOT: STARTED.",
    ),
    "Blindness": ("path", "canary, broker, ingest, clock."),
}
"""What a text may be that no enumeration holds, because gateways of other versions may say more."""
EVIDENCE = ("run", "journal", "delivered")
"""Kinds that gateways say: most of a document, and of use only to whom reckons timelines."""
_EVIDENCE = tuple(b'{"type":"%s",' % kind.encode() for kind in EVIDENCE)
_ENCODER = msgspec.json.Encoder(order="deterministic")
_NAMES = {type_: kind for kind, type_ in KINDS.items()}
Line: TypeAlias = Fact | CommuneCard | GatewayCard | Coverage | Snapshot | ContractSettings


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first line."""

    format: str
    version: int
    month: str
    as_of_us: int
    code: str


def _names_of(type_: Any) -> frozenset[str]:
    known: Any = msgspec.inspect.type_info(type_)
    return frozenset(one.name for one in known.fields)


_FIELDS = {type_.__name__: _names_of(type_) for type_ in (Header, *TYPES.values())}


class DocumentError(ValueError):
    """A document that cannot be read; names the line and the field."""


def write(given: MonthInput) -> Iterator[bytes]:
    """Return the lines of a document, each with its newline, in canonical order."""
    header = Header(
        format=FORMAT, version=FORMAT_VERSION, month=given.month, as_of_us=given.as_of_us, code=CODE
    )
    yield _line("header", header)
    yield from sorted(set(_content(given)))


def without_evidence(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Return the lines as ``write`` gave them but for what gateways said: a thirtieth of a document."""
    return (line for line in lines if not line.startswith(_EVIDENCE))


def read(lines: Iterable[bytes]) -> MonthInput:
    """Return the month that a document holds.

    Raises:
        DocumentError: no header, an unknown kind or field, or a value of the wrong type.
    """
    header: Header | None = None
    facts_by_kind: dict[str, list[Any]] = {}
    for number, raw in enumerate(lines, start=1):
        if not raw.strip():
            continue
        kind, fields = _fields(raw, number)
        if header is None:
            if kind != "header":
                raise DocumentError(f"line {number}: type: {kind!r} comes before the header")
            header = _header(_convert(fields, Header, number), number)
        elif kind in TYPES:
            facts_by_kind.setdefault(kind, []).append(_convert(fields, TYPES[kind], number))
        else:
            raise DocumentError(f"line {number}: type: {kind!r} is none of {', '.join(sorted(TYPES))}")
    if header is None:
        raise DocumentError("line 1: the document is empty; it begins with a header")
    if "settings" not in facts_by_kind:
        raise DocumentError("settings: the document has no line of this type")
    cards = {card.insee: card for card in facts_by_kind.get("commune", [])}
    boxes = {box.eui: box for box in facts_by_kind.get("gateway", [])}
    return MonthInput(
        month=header.month,
        as_of_us=header.as_of_us,
        facts=gather(dict.fromkeys(fact for kind in KINDS for fact in facts_by_kind.get(kind, []))),
        communes=tuple(cards[insee] for insee in sorted(cards)),
        gateways=tuple(boxes[eui] for eui in sorted(boxes)),
        coverages=tuple(
            sorted(set(facts_by_kind.get("coverage", [])), key=lambda one: (one.insee, one.euis))
        ),
        settings=facts_by_kind["settings"][-1],
        snapshots=tuple(sorted(set(facts_by_kind.get("snapshot", [])), key=lambda one: one.version)),
    )


def digest(given: MonthInput) -> str:
    """Return the hash of a month: facts, settings, weights, members and code version."""
    hasher = hashlib.sha256()
    hasher.update(f"{FORMAT} {FORMAT_VERSION}\n{CODE}\n{given.month} {given.as_of_us}\n".encode())
    for line in sorted(set(_content(given))):
        hasher.update(line)
    return hasher.hexdigest()


def digest_of_lines(lines: Iterable[bytes]) -> str:
    """Return the hash of a document as it was written, whatever program wrote it.

    Raises:
        DocumentError: the first line is no header.
    """
    header, *content = [line for line in lines if line.strip()] or [b"{}"]
    kind, fields = _fields(header, 1)
    if kind != "header":
        raise DocumentError(f"line 1: type: {kind!r} comes before the header")
    told = _convert(fields, Header, 1)
    hasher = hashlib.sha256()
    hasher.update(f"{told.format} {told.version}\n{told.code}\n{told.month} {told.as_of_us}\n".encode())
    for line in sorted(set(content)):
        hasher.update(line)
    return hasher.hexdigest()


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of one line."""
    kinds = {"header": Header, **TYPES}
    _, components = msgspec.json.schema_components(kinds.values(), ref_template="#/$defs/{name}")
    choices = [
        {
            "title": kind,
            "properties": {"type": {"const": kind}},
            "required": ["type"],
            "allOf": [{"$ref": f"#/$defs/{type_.__name__}"}],
        }
        for kind, type_ in kinds.items()
    ]
    for enumeration in (Change, Radio, TimeQuality):
        named = [{"const": one.value, "title": one.name} for one in enumeration]
        components[enumeration.__name__]["oneOf"] = named
        del components[enumeration.__name__]["enum"]
    for name, (field, words) in WORDS.items():
        components[name]["properties"][field]["description"] = words
    for kind, type_ in kinds.items():
        components[type_.__name__].get("properties", {})["type"] = {"const": kind}
        components[type_.__name__].pop("additionalProperties", None)
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{FORMAT} {FORMAT_VERSION}: one line of a month's facts",
        "oneOf": choices,
        "$defs": components,
    }
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(whole))
    return plain


def facts_of(facts: NetworkFacts) -> Iterator[Fact]:
    """Return every fact of a network; a maintenance of several gateways once for each."""
    for one in facts.gateways.values():
        for group in (
            one.runs,
            one.journal,
            one.delivered,
            one.commissioning,
            one.maintenances,
            one.statements,
        ):
            yield from group
    yield from facts.memberships
    yield from facts.blindness


def _content(given: MonthInput) -> Iterator[bytes]:
    yield _line("settings", given.settings)
    for card in given.communes:
        yield _line("commune", card)
    for box in given.gateways:
        yield _line("gateway", box)
    for coverage in given.coverages:
        yield _line("coverage", coverage)
    for snapshot in given.snapshots:
        yield _line("snapshot", snapshot)
    for fact in facts_of(given.facts):
        yield _line(_NAMES[type(fact)], fact)


def _line(kind: str, content: Line | Header) -> bytes:
    """Return one canonical line: fields in the order of their declaration, ``type`` first, no spaces."""
    return b'{"type":"%s",%s\n' % (kind.encode(), _ENCODER.encode(content)[1:])


def _fields(raw: bytes, number: int) -> tuple[str, dict[str, Any]]:
    if len(raw) > LINE_LIMIT_BYTES:
        raise DocumentError(f"line {number}: {len(raw)} bytes, at most {LINE_LIMIT_BYTES}")
    try:
        fields = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DocumentError(f"line {number}: not JSON: {error}") from error
    if not isinstance(fields, dict) or not isinstance(fields.get("type"), str):
        raise DocumentError(f"line {number}: type: a line is an object with a type")
    return fields.pop("type"), fields


resolved(Header, *TYPES.values())


def _convert(fields: dict[str, Any], type_: type[Any], number: int) -> Any:
    unknown = sorted(set(fields) - _FIELDS[type_.__name__])
    if unknown:
        raise DocumentError(f"line {number}: {unknown[0]}: no such field in {type_.__name__}")
    try:
        return msgspec.convert(fields, type=type_, strict=True)
    except (msgspec.ValidationError, ValueError) as error:
        raise DocumentError(f"line {number}: {error}") from error


def _header(header: Header, number: int) -> Header:
    if header.format != FORMAT or header.version != FORMAT_VERSION:
        raise DocumentError(
            f"line {number}: format: {header.format} {header.version}, this reads {FORMAT} {FORMAT_VERSION}"
        )
    return header
