"""Where each gateway stands: its last word, and desired beside reported configuration."""

from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, and_, func, select

from agent.wire.messages import ConfigReported, ConfigState, Heartbeat
from fleet.configurations.tables import configuration_versions
from fleet.evidence.load import stored_heartbeat
from fleet.evidence.tables import latest, reported_configurations


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationStatus:
    """One gateway."""

    eui: str
    heartbeat: Heartbeat | None
    heartbeat_at_us: int | None
    online: bool | None
    desired_version: int | None
    desired_sha256: str | None
    published: bool | None
    confirmed_at_us: int | None
    reported: ConfigReported | None
    reported_at_us: int | None

    @property
    def in_force(self) -> bool:
        """Whether what is desired runs and is confirmed."""
        reported = self.reported
        return (
            reported is not None
            and reported.state is ConfigState.CONFIRMED
            and (reported.version, reported.sha256) == (self.desired_version, self.desired_sha256)
        )


def stands(connection: Connection, euis: list[str]) -> dict[str, ConfigurationStatus]:
    """Return where the gateways ``euis`` stand; those that never spoke and have no order are left out."""
    words = {
        row["eui"]: row for row in connection.execute(select(latest).where(latest.c.eui.in_(euis))).mappings()
    }
    table = reported_configurations
    reports = {
        row["eui"]: row for row in connection.execute(select(table).where(table.c.eui.in_(euis))).mappings()
    }
    wanted = {row["eui"]: row for row in _desired(connection, euis)}
    known = words.keys() | reports.keys() | wanted.keys()
    return {eui: _status_of(eui, words.get(eui), reports.get(eui), wanted.get(eui)) for eui in known}


def _desired(connection: Connection, euis: list[str]) -> list[RowMapping]:
    table = configuration_versions
    newest = (
        select(table.c.eui, func.max(table.c.version).label("version"))
        .where(table.c.eui.in_(euis))
        .group_by(table.c.eui)
        .subquery()
    )
    columns = (table.c.eui, table.c.version, table.c.sha256, table.c.published, table.c.confirmed_at_us)
    same = and_(newest.c.eui == table.c.eui, newest.c.version == table.c.version)
    return list(connection.execute(select(*columns).join(newest, same)).mappings())


def _status_of(
    eui: str, word: RowMapping | None, report: RowMapping | None, wanted: RowMapping | None
) -> ConfigurationStatus:
    return ConfigurationStatus(
        eui=eui,
        heartbeat=stored_heartbeat(word["heartbeat"]) if word and word["heartbeat"] is not None else None,
        heartbeat_at_us=word["heartbeat_at_us"] if word else None,
        online=word["online"] if word else None,
        desired_version=wanted["version"] if wanted else None,
        desired_sha256=wanted["sha256"] if wanted else None,
        published=wanted["published"] if wanted else None,
        confirmed_at_us=wanted["confirmed_at_us"] if wanted else None,
        reported=_reported(report) if report else None,
        reported_at_us=report["recorded_at_us"] if report else None,
    )


def _reported(row: RowMapping) -> ConfigReported:
    return ConfigReported(
        version=row["version"],
        sha256=row["sha256"],
        state=ConfigState(row["state"]),
        seen_version=row["seen_version"],
        reason=row["reason"],
        at_us=row["at_us"],
    )
