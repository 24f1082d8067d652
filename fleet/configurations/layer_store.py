"""Rows of layers, every version of each; and what the registry knows of gateways for their variables."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, and_, func, insert, select

from fleet.configurations.layers import About, Layer, LayerKey, LayerRefused, Scope
from fleet.configurations.tables import configuration_layers as layers
from fleet.db.seals import is_intact, seal_rows
from fleet.identity import audit
from fleet.registry.store import load_communes, load_gateways

HISTORY_LIMIT_ROWS = 50
"""Versions of one layer that are shown; older ones stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerVersion:
    """One version of a layer as it is kept."""

    layer: Layer
    who: str
    at_us: int
    reason: str
    intact: bool = True
    """It is as this program wrote it (``fleet.db.seals``)."""


def load_layers(connection: Connection) -> dict[LayerKey, Layer]:
    """Return the newest version of each layer, the most general first."""
    return {one.layer.key: one.layer for one in newest_layers(connection)}


def newest_layers(connection: Connection) -> list[LayerVersion]:
    """Return the newest version of each layer with who set it, the most general first."""
    table = layers.c
    last = select(table.scope, table.subject, func.max(table.version).label("version"))
    newest = last.group_by(table.scope, table.subject).subquery()
    same = and_(
        newest.c.scope == table.scope, newest.c.subject == table.subject, newest.c.version == table.version
    )
    rows = connection.execute(select(layers).join_from(layers, newest, same)).mappings()
    found = [_version(connection, row) for row in rows]
    return sorted(found, key=lambda one: (tuple(Scope).index(one.layer.key.scope), one.layer.key.subject))


def history(connection: Connection, key: LayerKey) -> list[LayerVersion]:
    """Return the versions of one layer, newest first."""
    mine = (layers.c.scope == key.scope) & (layers.c.subject == key.subject)
    query = select(layers).where(mine).order_by(layers.c.version.desc()).limit(HISTORY_LIMIT_ROWS)
    return [_version(connection, row) for row in connection.execute(query).mappings()]


def check_layers(connection: Connection) -> None:
    """Return if every layer is as this program wrote it.

    Raises:
        LayerRefused: one is not; what is merged with it would carry what somebody else wrote.
    """
    if broken := [str(one.layer.key) for one in newest_layers(connection) if not one.intact]:
        raise LayerRefused("layer.refused.seal", layer=", ".join(broken))


def version_of(connection: Connection, key: LayerKey, version: int) -> Layer | None:
    """Return one version of a layer.

    Raises:
        LayerRefused: somebody else than this program wrote it.
    """
    mine = (layers.c.scope == key.scope) & (layers.c.subject == key.subject) & (layers.c.version == version)
    row = connection.execute(select(layers).where(mine)).mappings().first()
    found = None if row is None else _version(connection, row)
    if found is not None and not found.intact:
        raise LayerRefused("layer.refused.seal", layer=str(key))
    return None if found is None else found.layer


def number_of(connection: Connection, key: LayerKey) -> int:
    """Return the number of a layer's newest version; 0: it never said anything."""
    mine = (layers.c.scope == key.scope) & (layers.c.subject == key.subject)
    return int(connection.scalar(select(func.max(layers.c.version)).where(mine)) or 0)


def add_version(connection: Connection, layer: Layer, *, who: str, now_us: int, reason: str) -> None:
    """Append one version."""
    row = {
        "scope": layer.key.scope,
        "subject": layer.key.subject,
        "version": layer.version,
        "settings": dict(layer.values),
        "who": who,
        "at_us": now_us,
        "reason": reason,
    }
    connection.execute(insert(layers).values(row))
    mine = (layers.c.scope == layer.key.scope) & (layers.c.subject == layer.key.subject)
    seal_rows(connection, layers, mine & (layers.c.version == layer.version))
    after = {"version": layer.version, "values": dict(layer.values), "reason": reason}
    subject = f"layer {layer.key}"
    audit.record(
        connection, now_us=now_us, who=who, action="configuration.layer", subject=subject, after=after
    )


def load_abouts(connection: Connection) -> Mapping[str, About]:
    """Return what the registry knows of each gateway, by EUI."""
    communes = {one.insee: one for one in load_communes(connection)}
    found = {}
    for one in load_gateways(connection):
        commune = communes.get(one.commune_insee)
        found[one.eui] = About(
            eui=one.eui,
            name=one.name,
            commune=commune.name if commune else "",
            insee=one.commune_insee,
            epci=commune.epci if commune else "",
            departement=commune.departement if commune else "",
            model=one.hardware,
            operator=one.backhaul_operator,
        )
    return found


def _version(connection: Connection, row: RowMapping) -> LayerVersion:
    key = LayerKey(Scope(row["scope"]), row["subject"])
    layer = Layer(key=key, version=row["version"], values=row["settings"])
    intact = is_intact(connection, layers, row)
    return LayerVersion(layer=layer, who=row["who"], at_us=row["at_us"], reason=row["reason"], intact=intact)
