"""The registry in the database: upsert by key, and the whole of it as values for the engine and the pages."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, Table, insert, select, update

from fleet.db.upsert import insert_new, upsert
from fleet.facts.model import Membership
from fleet.identity import audit
from fleet.registry.document import Document, Known
from fleet.registry.model import COUNTING, Consent, Status
from fleet.registry.tables import agreements, commissioning, communes, gateways, hangings, memberships, sites


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """One gateway with its site, as pages and rules need them."""

    eui: str
    name: str
    status: Status
    site_id: int
    site_key: str
    site_name: str
    site_kind: str
    commune_insee: str
    address: str
    lat: float | None
    lon: float | None
    access_notes: str
    backhaul_operator: str
    power_feeder: str
    accepted_at_us: int | None
    withdrawn_at_us: int | None
    hardware: str = ""
    firmware: str = ""
    antenna: str = ""
    planned_on: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commune:
    """One commune without its polygon."""

    insee: str
    name: str
    epci: str
    departement: str
    population: int
    lat: float | None
    lon: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """All of it, by key."""

    gateways: dict[str, Gateway]
    communes: dict[str, Commune]
    memberships: tuple[Membership, ...]


def load_registry(connection: Connection) -> Registry:
    """Return the registry as it stands."""
    return Registry(
        gateways={gateway.eui: gateway for gateway in load_gateways(connection)},
        communes={commune.insee: commune for commune in load_communes(connection)},
        memberships=load_memberships(connection),
    )


_GATEWAYS = select(
    gateways.c.eui,
    gateways.c.name,
    gateways.c.status,
    gateways.c.site_id,
    gateways.c.backhaul_operator,
    gateways.c.hardware,
    gateways.c.firmware,
    gateways.c.antenna,
    gateways.c.planned_on,
    gateways.c.power_feeder.label("own_feeder"),
    gateways.c.accepted_at_us,
    gateways.c.withdrawn_at_us,
    sites.c.key.label("site_key"),
    sites.c.name.label("site_name"),
    sites.c.kind.label("site_kind"),
    sites.c.commune_insee,
    sites.c.address,
    sites.c.lat,
    sites.c.lon,
    sites.c.access_notes,
    sites.c.power_feeder,
).join(sites, sites.c.id == gateways.c.site_id)


def load_gateways(connection: Connection) -> list[Gateway]:
    """Return every gateway, by name."""
    query = _GATEWAYS.order_by(gateways.c.name, gateways.c.eui)
    return [_gateway(row) for row in connection.execute(query).mappings()]


def load_gateways_after(
    connection: Connection, eui: str, limit: int, *, insees: Collection[str] | None = None
) -> list[Gateway]:
    """Return up to ``limit`` gateways behind ``eui``, by EUI; ``insees``: on sites of these communes only."""
    query = _GATEWAYS.where(gateways.c.eui > eui).order_by(gateways.c.eui).limit(limit)
    if insees is not None:
        query = query.where(sites.c.commune_insee.in_(insees))
    return [_gateway(row) for row in connection.execute(query).mappings()]


def load_gateway(connection: Connection, eui: str) -> Gateway | None:
    """Return one gateway."""
    row = connection.execute(_GATEWAYS.where(gateways.c.eui == eui)).mappings().first()
    return None if row is None else _gateway(row)


def site_of(connection: Connection, eui: str) -> int | None:
    """Return the site where a box hangs now."""
    return connection.scalar(select(gateways.c.site_id).where(gateways.c.eui == eui))


def _gateway(row: RowMapping) -> Gateway:
    fields = dict(row)
    fields["power_feeder"] = fields.pop("own_feeder") or fields["power_feeder"]
    fields["status"] = Status(fields["status"])
    return Gateway(**fields)


def load_communes(connection: Connection) -> list[Commune]:
    """Return every commune, by name."""
    columns = [column for column in communes.c if column.name != "polygon"]
    rows = connection.execute(select(*columns).order_by(communes.c.name)).mappings()
    return [Commune(**row) for row in rows]


def load_memberships(connection: Connection) -> tuple[Membership, ...]:
    """Return every membership that ever was, as facts."""
    return tuple(
        Membership(
            id=str(row["id"]),
            commune_insee=row["commune_insee"],
            eui=row["eui"],
            valid_from_us=row["valid_from_at_us"],
            valid_to_us=row["valid_until_at_us"],
            approved_by=row["approved_by"],
            recorded_at_us=row["recorded_at_us"],
        )
        for row in connection.execute(select(memberships).order_by(memberships.c.id)).mappings()
    )


def known_keys(connection: Connection) -> Known:
    """Return the keys that an import may point to."""
    return Known(
        communes=frozenset(connection.scalars(select(communes.c.insee))),
        sites=frozenset(connection.scalars(select(sites.c.key))),
        gateways=frozenset(connection.scalars(select(gateways.c.eui))),
        positions={
            row.insee: (row.lat, row.lon)
            for row in connection.execute(select(communes.c.insee, communes.c.lat, communes.c.lon))
            if row.lat is not None and row.lon is not None
        },
    )


def apply_document(connection: Connection, document: Document, *, who: str, now_us: int) -> dict[str, int]:
    """Upsert every row of a document without problems and return the counts by section."""
    assert not document.problems
    _write(connection, communes, "insee", [_fields(row) for row in document.communes])
    _write(connection, sites, "key", [_fields(row) for row in document.sites])
    site_ids = {row.key: row.id for row in connection.execute(select(sites.c.key, sites.c.id))}
    before = {row["eui"]: row for row in connection.execute(select(gateways)).mappings()}
    rows = [_fields(row) for row in document.gateways]
    for row in rows:
        if "site_key" in row:
            row["site_id"] = site_ids[row.pop("site_key")]
    _write(connection, gateways, "eui", rows)
    for row in rows:
        _follow(connection, row, before.get(row["eui"]), who=who, now_us=now_us)
    _apply_memberships(connection, document, who=who, now_us=now_us)
    papers = [_fields(row) for row in document.agreements]
    for paper in papers:
        paper["site_id"] = site_ids[paper.pop("site_key")]
    upsert(connection, agreements, papers, key=("site_id", "kind"))
    sections = ("communes", "sites", "gateways", "memberships", "agreements")
    return {name: len(getattr(document, name)) for name in sections}


def _fields(row: msgspec.Struct) -> dict[str, Any]:
    """Return the fields that the document names."""
    fields = {name: getattr(row, name) for name in row.__struct_fields__}
    return {name: value for name, value in fields.items() if value is not msgspec.UNSET}


def _write(connection: Connection, table: Table, key: str, rows: list[dict[str, Any]]) -> None:
    """Insert rows whose key is new, change only what is named of the others."""
    known = set(connection.scalars(select(table.c[key])))
    new: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        if row[key] not in known:
            new.setdefault(tuple(row), []).append(row)
        elif len(row) > 1:
            changed = {name: value for name, value in row.items() if name != key}
            connection.execute(update(table).where(table.c[key] == row[key]).values(changed))
    for alike in new.values():
        connection.execute(insert(table), alike)


def _follow(
    connection: Connection, row: dict[str, Any], before: RowMapping | None, *, who: str, now_us: int
) -> None:
    """Write what a changed gateway means: another hanging, acceptance, withdrawal."""
    eui, status = row["eui"], row.get("status")
    if "site_id" in row and (before is None or before["site_id"] != row["site_id"]):
        hang(connection, eui, row["site_id"], now_us)
    if status in COUNTING and (before is None or before["status"] not in COUNTING):
        accept(connection, eui, at_us=now_us, who=who, now_us=now_us, status=status)
    if status is Status.WITHDRAWN and before is not None and before["status"] != Status.WITHDRAWN:
        withdraw(connection, eui, at_us=now_us, who=who, now_us=now_us)


def _apply_memberships(connection: Connection, document: Document, *, who: str, now_us: int) -> None:
    open_rows = select(memberships.c.commune_insee, memberships.c.eui).where(
        memberships.c.valid_until_at_us.is_(None)
    )
    present = {(insee, eui) for insee, eui in connection.execute(open_rows)}
    rows = [
        {
            "commune_insee": row.commune_insee,
            "eui": row.eui,
            "valid_from_at_us": now_us if row.valid_from_us is None else row.valid_from_us,
            "approved_by": who,
            "recorded_at_us": now_us,
        }
        for row in document.memberships
        if (row.commune_insee, row.eui) not in present
    ]
    insert_new(connection, memberships, rows)


def hang(connection: Connection, eui: str, site_id: int, now_us: int) -> None:
    """End where the box hung and begin its time on ``site_id``."""
    ended = update(hangings).where(hangings.c.eui == eui, hangings.c.until_at_us.is_(None))
    connection.execute(ended.values(until_at_us=now_us))
    connection.execute(insert(hangings).values(eui=eui, site_id=site_id, from_at_us=now_us))


def accept(
    connection: Connection,
    eui: str,
    *,
    at_us: int,
    who: str,
    now_us: int,
    status: Status = Status.ACCEPTED,
) -> None:
    """Make the gateway count from ``at_us`` on."""
    changed = {"status": status, "accepted_at_us": at_us, "withdrawn_at_us": None}
    _commission(connection, eui, "accepted", changed, at_us=at_us, who=who, now_us=now_us)


def put_in_service(connection: Connection, euis: Iterable[str], *, now_us: int) -> None:
    """Say of accepted gateways that they were seen serving."""
    for eui in euis:
        accepted = update(gateways).where(gateways.c.eui == eui, gateways.c.status == Status.ACCEPTED)
        if connection.execute(accepted.values(status=Status.IN_SERVICE)).rowcount:
            audit.record(
                connection, now_us=now_us, who=audit.SYSTEM, action="gateway.in_service", subject=eui
            )


def withdraw(
    connection: Connection, eui: str, *, at_us: int, who: str, now_us: int, consent: Consent | None = None
) -> None:
    """Make the gateway count no more, from when ``fleet.availability.commissioning`` says."""
    changed = {"status": Status.WITHDRAWN, "withdrawn_at_us": at_us}
    _commission(connection, eui, "withdrawn", changed, at_us=at_us, who=who, now_us=now_us, consent=consent)


def _commission(
    connection: Connection,
    eui: str,
    kind: str,
    changed: dict[str, object],
    *,
    at_us: int,
    who: str,
    now_us: int,
    consent: Consent | None = None,
) -> None:
    connection.execute(update(gateways).where(gateways.c.eui == eui).values(changed))
    fact: dict[str, object] = {"eui": eui, "kind": kind, "at_us": at_us}
    fact |= {"recorded_at_us": now_us, "recorded_by": who}
    if consent is not None:
        fact |= {"second": consent.second, "reason": consent.reason}
    connection.execute(insert(commissioning).values(fact))
