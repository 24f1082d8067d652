"""What the next version of a gateway is built on: the newest, never one that failed or was revoked."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, case, func, select, update

from agent.wire.envelope import EnvelopeKind
from agent.wire.messages import ConfigState
from fleet.configurations import store
from fleet.configurations.store import Version, version_from
from fleet.configurations.tables import configuration_versions as versions
from fleet.configurations.tables import instructions
from fleet.db.seals import is_intact, taking_away
from fleet.evidence.tables import reported_configurations as reports
from fleet.lang.reasons import FleetReason, own

FAILED_STATES = (int(ConfigState.ROLLED_BACK), int(ConfigState.REFUSED))


def working_version(connection: Connection, eui: str, without: int = 0) -> Version | None:
    """Return what the next version of a gateway is built on; None if it never had one.

    ``without``: a version that is about to be revoked.

    That is the newest, unless the gateway said that it failed or refused it: then the newest that was seen
    working, else the first.
    """
    row = connection.execute(_base(without=without).where(versions.c.eui == eui)).mappings().first()
    return None if row is None else version_from(row)


def working_number(connection: Connection, eui: str) -> int | None:
    """Return the number of what the next version of a gateway is built on; None if it never had one."""
    return working_numbers(connection, [eui]).get(eui)


def working_numbers(connection: Connection, euis: Iterable[str]) -> dict[str, int]:
    """Return the number of what the next version of each gateway is built on, by EUI; reads no document."""
    base = _base(versions.c.eui, versions.c.version).where(versions.c.eui.in_(list(euis)))
    return {row.eui: row.version for row in connection.execute(base)}


def working_versions(connection: Connection) -> dict[str, Version]:
    """Return what the next version of each gateway is built on, by EUI."""
    return {row["eui"]: version_from(row) for row in connection.execute(_base()).mappings()}


def brings_release(connection: Connection, eui: str, version: int) -> bool:
    """Return whether a version wants a release of the agent that its gateway was never seen working with."""
    wanted = version_of(connection, eui, version)
    if wanted is None or not wanted.configuration.release.wanted:
        return False
    earlier = (versions.c.eui == eui) & (versions.c.version < version)
    seen = select(*versions.c).where(earlier, versions.c.confirmed_at_us.is_not(None))
    newest_first = seen.order_by(versions.c.version.desc()).limit(store.HISTORY_LIMIT_ROWS)
    rows = connection.execute(newest_first).mappings()
    known = {version_from(row).configuration.release.wanted for row in rows}
    return wanted.configuration.release.wanted not in known


def first_configured_since(connection: Connection, since_us: int) -> set[str]:
    """Return the gateways whose first version was issued after an instant, microseconds UTC."""
    query = (
        select(versions.c.eui).group_by(versions.c.eui).having(func.min(versions.c.issued_at_us) > since_us)
    )
    return set(connection.execute(query).scalars())


def version_of(connection: Connection, eui: str, version: int) -> Version | None:
    """Return one version of one gateway."""
    mine = (versions.c.eui == eui) & (versions.c.version == version)
    row = connection.execute(select(*versions.c).where(mine)).mappings().first()
    return None if row is None else version_from(row)


def begun_since(connection: Connection, since_us: int) -> list[RowMapping]:
    """Return the newest versions that went out or were permitted after an instant: EUI, when, who, why.

    What a work order carried is no change of a gateway that runs, also once it was enrolled with it: the
    version then goes to the broker like any other (``store.publish_again``), and its reason still tells.
    """
    table, permits = versions.c, instructions.alias()
    permitted = (permits.c.eui == table.eui) & (permits.c.kind == EnvelopeKind.PERMIT)
    last = select(func.max(permits.c.issued_at_us)).where(permitted).correlate(versions).scalar_subquery()
    began = case((last > table.issued_at_us, last), else_=table.issued_at_us).label("began_at_us")
    by_order = table.by_image | (table.reason == own(FleetReason.WORK_ORDER))
    query = store.newest(table.eui, began, table.issued_by, table.reason)
    query = query.where(table.published, ~by_order, began > since_us)
    return list(connection.execute(query).mappings())


def revoke(connection: Connection, found: Iterable[tuple[str, int]], now_us: int) -> None:
    """Let versions (EUI, number) be sent and built upon no more; the first time counts."""
    for eui, version in found:
        mine = (versions.c.eui == eui) & (versions.c.version == version)
        first = mine & versions.c.revoked_at_us.is_(None)
        with taking_away(connection, versions, mine):
            connection.execute(update(versions).where(first).values(revoked_at_us=now_us))


def is_revoked(connection: Connection, eui: str, version: int) -> bool:
    """Return whether a version was revoked, or somebody else wrote whether it was."""
    mine = (versions.c.eui == eui) & (versions.c.version == version)
    row = connection.execute(select(versions).where(mine)).mappings().first()
    return row is not None and (row["revoked_at_us"] is not None or not is_intact(connection, versions, row))


def _base(*columns: ColumnElement[object], without: int = 0) -> Select[tuple[object, ...]]:
    newest = func.max(versions.c.version)
    seen = func.max(case((versions.c.confirmed_at_us.is_not(None), versions.c.version)))
    failed = func.max(case((reports.c.state.in_(FAILED_STATES), reports.c.seen_version)))
    base = case((failed == newest, func.coalesce(seen, func.min(versions.c.version))), else_=newest)
    by_eui = (
        select(versions.c.eui, base.label("version"))
        .outerjoin(reports, reports.c.eui == versions.c.eui)
        .where(versions.c.revoked_at_us.is_(None), versions.c.version != without)
        .group_by(versions.c.eui)
        .subquery()
    )
    same = and_(by_eui.c.eui == versions.c.eui, by_eui.c.version == versions.c.version)
    return select(*(columns or versions.c)).join_from(versions, by_eui, same)
