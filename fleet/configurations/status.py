"""Where each gateway is: its last heartbeat, and desired beside reported configuration."""

from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, select

from agent.wire.messages import ConfigReported, ConfigState, Heartbeat
from fleet.configurations import store
from fleet.evidence.load import stored_heartbeat
from fleet.evidence.tables import latest


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


def statuses(connection: Connection, euis: list[str]) -> dict[str, ConfigurationStatus]:
    """Return the status of the gateways ``euis``; those that never spoke and have no order are left out."""
    spoke = connection.execute(select(latest).where(latest.c.eui.in_(euis))).mappings()
    heartbeats = {row["eui"]: row for row in spoke}
    reports = store.reports_of(connection, euis)
    desired = {row["eui"]: row for row in store.desired_rows(connection, euis)}
    known = heartbeats.keys() | reports.keys() | desired.keys()
    return {eui: _status_of(eui, heartbeats.get(eui), reports.get(eui), desired.get(eui)) for eui in known}


def unbalanced(connection: Connection) -> dict[str, int]:
    """Return by how many frames their own count is wrong, of the gateways whose last heartbeat says so."""
    stored = connection.execute(
        select(latest.c.eui, latest.c.heartbeat).where(latest.c.heartbeat.is_not(None))
    )
    beats = {eui: stored_heartbeat(payload) for eui, payload in stored}
    return {eui: beat.unbalanced_frames for eui, beat in beats.items() if beat and beat.unbalanced_frames}


def _status_of(
    eui: str, spoke: RowMapping | None, report: RowMapping | None, desired: RowMapping | None
) -> ConfigurationStatus:
    return ConfigurationStatus(
        eui=eui,
        heartbeat=stored_heartbeat(spoke["heartbeat"]) if spoke and spoke["heartbeat"] is not None else None,
        heartbeat_at_us=spoke["heartbeat_at_us"] if spoke else None,
        online=spoke["online"] if spoke else None,
        desired_version=desired["version"] if desired else None,
        desired_sha256=desired["sha256"] if desired else None,
        published=desired["published"] if desired else None,
        confirmed_at_us=desired["confirmed_at_us"] if desired else None,
        reported=store.reported(report) if report else None,
        reported_at_us=report["recorded_at_us"] if report else None,
    )
