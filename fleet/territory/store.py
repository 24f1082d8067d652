"""Territory into the database: communes upserted, changes recorded, members of merged communes moved on."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from fleet.db.upsert import insert_new, upsert
from fleet.registry.tables import communes, memberships
from fleet.territory.changes import Change, ChangeKind, Known, changes
from fleet.territory.geojson import Territory
from fleet.territory.tables import commune_changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What an import did, or would do."""

    communes: int
    with_border: int
    changes: tuple[Change, ...]


def apply_territory(connection: Connection, territory: Territory, *, source: str, now_us: int) -> Applied:
    """Upsert the communes and record what changed; nothing is ever deleted."""
    found = changes(load_known(connection), territory.communes)
    query = select(communes.c.insee, communes.c.population, communes.c.epci, communes.c.polygon)
    kept = {row.insee: row for row in connection.execute(query)}
    rows = [
        {
            "insee": one.insee,
            "name": one.name,
            "epci": _epci(one.epci, kept.get(one.insee)),
            "departement": one.departement,
            "population": _population(one.population, kept.get(one.insee)),
            "lat": one.lat,
            "lon": one.lon,
            "polygon": _polygon(one.polygon, kept.get(one.insee)),
        }
        for one in territory.communes
    ]
    upsert(connection, communes, rows, key=("insee",))
    for change in found:
        row = {
            "insee": change.insee,
            "kind": change.kind,
            "before": change.before,
            "after": change.after,
            "at_us": now_us,
            "source": source,
        }
        connection.execute(insert(commune_changes).values(row))
        if change.kind is ChangeKind.MERGED:
            _move_members(connection, change, now_us=now_us)
    return Applied(
        communes=len(rows),
        with_border=sum(one.polygon is not None for one in territory.communes),
        changes=found,
    )


def _epci(given: str, kept: Any) -> str:
    """Return the EPCI: what a file does not say stays, and a name is not replaced by its SIREN number."""
    known: str = "" if kept is None else kept.epci
    return given if given and not (given.isdecimal() and known) else known


def _population(given: int | None, kept: Any) -> int:
    known: int = 0 if kept is None else kept.population
    return known if given is None else given


def _polygon(given: dict[str, Any] | None, kept: Any) -> dict[str, Any] | None:
    """Return the border: a file of points takes none away."""
    known: dict[str, Any] | None = None if kept is None else kept.polygon
    return known if given is None else given


def load_known(connection: Connection) -> dict[str, Known]:
    """Return the communes of the registry."""
    retired = set(
        connection.scalars(
            select(commune_changes.c.insee).where(
                commune_changes.c.kind.in_((ChangeKind.MERGED, ChangeKind.GONE))
            )
        )
    )
    columns = (
        communes.c.insee,
        communes.c.name,
        communes.c.departement,
        communes.c.lat,
        communes.c.lon,
    )
    return {
        row.insee: Known(
            insee=row.insee,
            name=row.name,
            departement=row.departement,
            lat=row.lat,
            lon=row.lon,
            retired=row.insee in retired,
        )
        for row in connection.execute(select(*columns))
    }


def load_changes(connection: Connection) -> list[Change]:
    """Return every change ever recorded, oldest first."""
    rows = connection.execute(select(commune_changes).order_by(commune_changes.c.id)).mappings()
    return [
        Change(insee=row["insee"], kind=ChangeKind(row["kind"]), before=row["before"], after=row["after"])
        for row in rows
    ]


def _move_members(connection: Connection, change: Change, *, now_us: int) -> None:
    """End the memberships of a merged commune; its gateways serve the one it went into from now on."""
    open_here = memberships.c.valid_until_at_us.is_(None)
    mine = select(memberships).where(memberships.c.commune_insee == change.insee, open_here)
    moved = [dict(row) for row in connection.execute(mine).mappings()]
    ended = update(memberships).where(memberships.c.commune_insee == change.insee, open_here)
    connection.execute(ended.values(valid_until_at_us=now_us, ended_at_us=now_us))
    there = select(memberships.c.eui).where(memberships.c.commune_insee == change.after, open_here)
    present = set(connection.scalars(there))
    rows = [
        {
            "commune_insee": change.after,
            "eui": row["eui"],
            "valid_from_at_us": now_us,
            "approved_by": row["approved_by"],
            "recorded_at_us": now_us,
        }
        for row in moved
        if row["eui"] not in present
    ]
    insert_new(connection, memberships, rows)
