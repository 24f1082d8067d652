"""What the next version of a gateway is built on: one that was seen working, never one that failed."""

from sqlalchemy import Connection, Select, and_, case, func, select

from fleet.configurations.store import Version, version_from
from fleet.configurations.tables import configuration_versions as versions


def working_version(connection: Connection, eui: str) -> Version | None:
    """Return the newest version that was seen working, else the first; None if there never was one.

    One that failed, was refused, or was never seen working is the base of nothing.
    """
    row = connection.execute(_working().where(versions.c.eui == eui)).mappings().first()
    return None if row is None else version_from(row)


def working_versions(connection: Connection) -> dict[str, Version]:
    """Return what the next version of each gateway is built on, by EUI."""
    return {row["eui"]: version_from(row) for row in connection.execute(_working()).mappings()}


def version_of(connection: Connection, eui: str, version: int) -> Version | None:
    """Return one version of one gateway."""
    mine = (versions.c.eui == eui) & (versions.c.version == version)
    row = connection.execute(select(*versions.c).where(mine)).mappings().first()
    return None if row is None else version_from(row)


def _working() -> Select[tuple[object, ...]]:
    seen = func.max(case((versions.c.confirmed_at_us.is_not(None), versions.c.version)))
    base = func.coalesce(seen, func.min(versions.c.version))
    by_eui = select(versions.c.eui, base.label("version")).group_by(versions.c.eui).subquery()
    same = and_(by_eui.c.eui == versions.c.eui, by_eui.c.version == versions.c.version)
    return select(*versions.c).join_from(versions, by_eui, same)
