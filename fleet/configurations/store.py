"""Rows of configurations and instructions: every query of this package; decides nothing.

The newest version of a gateway is what is desired of it; older ones are its history.  Instructions
(confirmations, permits, commands) are numbered by gateway and kind.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Update,
    and_,
    func,
    insert,
    select,
    update,
)

from agent.wire.configuration import Configuration, decode_configuration
from agent.wire.envelope import EnvelopeKind
from agent.wire.messages import ConfigReported, ConfigState
from agent.wire.topics import COMMAND, CONFIG_DESIRED, topic
from fleet.configurations.numbers import newest_number
from fleet.configurations.rules import Trial, WaitingChange
from fleet.configurations.tables import WAITS, instructions
from fleet.configurations.tables import configuration_versions as versions
from fleet.db.seals import seal_rows
from fleet.evidence.tables import reported_configurations as reports

HISTORY_LIMIT_ROWS = 50
"""Versions of one gateway that are shown; older ones stay in the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version as it is stored."""

    eui: str
    version: int
    sha256: str
    configuration: Configuration
    issued_at_us: int
    issued_by: str
    reason: str
    published: bool
    """The broker has it, or a work order carries it."""
    confirmed_at_us: int | None
    """When the fleet had seen it working, microseconds UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpublished:
    """One envelope that the broker does not have yet."""

    topic: str
    payload: bytes
    retain: bool
    arrived: Update
    """The statement that notes its arrival."""


# --- versions ----------------------------------------------------------------------------------------
def newest(*columns: ColumnElement[object]) -> Select[tuple[object, ...]]:
    """Return the query of the newest version of each gateway; ``where`` narrows it."""
    last = select(versions.c.eui, func.max(versions.c.version).label("version"))
    last_by_eui = last.group_by(versions.c.eui).subquery()
    same = and_(last_by_eui.c.eui == versions.c.eui, last_by_eui.c.version == versions.c.version)
    return select(*(columns or versions.c)).join_from(versions, last_by_eui, same)


def newest_version(connection: Connection, eui: str) -> Version | None:
    """Return what is desired of one gateway; None if nothing ever was."""
    row = connection.execute(newest().where(versions.c.eui == eui)).mappings().first()
    return None if row is None else version_from(row)


def newest_versions(connection: Connection) -> dict[str, Version]:
    """Return what is desired of every gateway of which anything is, by EUI."""
    return {row["eui"]: version_from(row) for row in connection.execute(newest()).mappings()}


def desired_rows(connection: Connection, euis: Iterable[str]) -> list[RowMapping]:
    """Return the newest version of each of ``euis`` that has one, without its document."""
    table = versions.c
    query = newest(table.eui, table.version, table.sha256, table.published, table.confirmed_at_us)
    return list(connection.execute(query.where(table.eui.in_(list(euis)))).mappings())


def versions_at(connection: Connection, at_us: int) -> dict[str, Version]:
    """Return by EUI the version that was the newest at an instant, or the first one if it came later."""
    table = versions.c
    due = select(table.eui, func.max(table.version).label("version")).where(table.issued_at_us <= at_us)
    first = select(table.eui, func.min(table.version).label("version")).group_by(table.eui)
    found: dict[str, Version] = {}
    for wanted in (first.subquery(), due.group_by(table.eui).subquery()):
        same = and_(wanted.c.eui == table.eui, wanted.c.version == table.version)
        rows = connection.execute(select(versions).join(wanted, same)).mappings()
        found |= {row["eui"]: version_from(row) for row in rows}
    return found


def version_history(connection: Connection, eui: str, limit: int = HISTORY_LIMIT_ROWS) -> list[Version]:
    """Return the versions of one gateway, newest first."""
    query = select(versions).where(versions.c.eui == eui).order_by(versions.c.version.desc()).limit(limit)
    return [version_from(row) for row in connection.execute(query).mappings()]


def add_version(connection: Connection, row: dict[str, object]) -> None:
    """Append one version."""
    connection.execute(insert(versions).values(row))
    mine = (versions.c.eui == row["eui"]) & (versions.c.version == row["version"])
    seal_rows(connection, versions, mine)


def publish_again(connection: Connection, eui: str) -> None:
    """Let the newest version go out once more, in place of an older one that the broker still retains.

    For a gateway that was enrolled with a new work order: to the same version it says nothing.
    """
    found = (versions.c.eui == eui) & (versions.c.version == newest_number(connection, eui))
    connection.execute(update(versions).where(found).values(published=False, by_image=False))


def envelopes_at_broker(connection: Connection) -> Iterator[tuple[str, int, bytes]]:
    """Yield EUI, version and envelope of each newest version that the broker should retain."""
    query = newest(versions.c.eui, versions.c.version, versions.c.envelope)
    query = query.where(versions.c.published, versions.c.by_image.is_(False))
    for row in connection.execute(query):
        yield row.eui, row.version, row.envelope


def publish_anew(connection: Connection, found: Iterable[tuple[str, int]]) -> None:
    """Let versions go out once more: the broker does not retain them."""
    for eui, version in found:
        same = (versions.c.eui == eui) & (versions.c.version == version)
        connection.execute(update(versions).where(same).values(published=False))


def mark_confirmed(connection: Connection, eui: str, version: int, now_us: int) -> None:
    """Note that the fleet has seen ``version`` working; the first time counts."""
    found = (versions.c.eui == eui) & (versions.c.version == version) & versions.c.confirmed_at_us.is_(None)
    connection.execute(update(versions).where(found).values(confirmed_at_us=now_us))


def version_from(row: RowMapping) -> Version:
    """Return a version from its row."""
    fields = {name: row[name] for name in Version.__slots__ if name != "configuration"}
    return Version(**fields, configuration=decode_configuration(row["document"]))


# --- what gateways report ----------------------------------------------------------------------------
def reported(row: RowMapping) -> ConfigReported | None:
    """Return the last report of a gateway about its configuration, from its row.

    None: its state is one that this version does not know; a newer fleet wrote it and was taken back.
    """
    if row["state"] not in {int(state) for state in ConfigState}:
        return None
    return ConfigReported(
        version=row["version"],
        sha256=row["sha256"],
        state=ConfigState(row["state"]),
        seen_version=row["seen_version"],
        reason=row["reason"],
        at_us=row["at_us"],
    )


def reports_of(connection: Connection, euis: Iterable[str]) -> dict[str, RowMapping]:
    """Return the last report of each gateway that sent one, by EUI."""
    rows = connection.execute(select(reports).where(reports.c.eui.in_(list(euis)))).mappings()
    return {row["eui"]: row for row in rows}


def trials(connection: Connection) -> list[Trial]:
    """Return the newest versions that are not confirmed, or still on trial as their gateway says."""
    unsettled = versions.c.confirmed_at_us.is_(None) | (reports.c.state == int(ConfigState.TRIAL))
    query = (
        newest(
            versions.c.eui,
            versions.c.version,
            versions.c.sha256,
            versions.c.issued_at_us,
            versions.c.confirmed_at_us,
            reports.c.version.label("reported_version"),
            reports.c.state.label("reported_state"),
        )
        .outerjoin(reports, reports.c.eui == versions.c.eui)
        .where(unsettled)
    )
    return [
        Trial(
            eui=row["eui"],
            version=row["version"],
            sha256=row["sha256"],
            issued_at_us=row["issued_at_us"],
            confirmed_at_us=row["confirmed_at_us"],
            reported_version=row["reported_version"],
            reported_state=None if row["reported_state"] is None else ConfigState(row["reported_state"]),
        )
        for row in connection.execute(query).mappings()
    ]


def waiting_changes(connection: Connection) -> list[WaitingChange]:
    """Return the changes that gateways may not begin without a permit."""
    same = and_(versions.c.eui == reports.c.eui, versions.c.version == reports.c.seen_version)
    query = select(reports.c.eui, versions.c.sha256, versions.c.despite).join_from(reports, versions, same)
    rows = connection.execute(query.where(reports.c.state == int(ConfigState.WAITING)))
    return [WaitingChange(eui=row.eui, sha256=row.sha256, despite=bool(row.despite)) for row in rows]


# --- instructions ------------------------------------------------------------------------------------
def instruction_id(kind: str, version: int) -> str:
    """Return the last part of the topic of an instruction.

    >>> instruction_id("confirmation", 3)
    'confirmation-3'
    """
    return f"{kind}-{version}"


def add_instruction(connection: Connection, row: dict[str, object]) -> None:
    """Queue one instruction."""
    connection.execute(insert(instructions).values(row))


def permitted_at_us(connection: Connection) -> dict[str, int]:
    """Return when each gateway got its last permit, microseconds UTC."""
    query = select(instructions.c.eui, func.max(instructions.c.issued_at_us)).group_by(instructions.c.eui)
    return {
        row[0]: row[1] for row in connection.execute(query.where(instructions.c.kind == EnvelopeKind.PERMIT))
    }


def note_answer(
    connection: Connection, eui: str, kind: str, version: int, *, at_us: int, ok: bool, text: str
) -> None:
    """Note what a gateway answered to an instruction; an answer to none of ours changes nothing."""
    answered = update(instructions).where(
        instructions.c.eui == eui, instructions.c.kind == kind, instructions.c.version == version
    )
    connection.execute(answered.values(replied_at_us=at_us, reply_ok=ok, reply_text=text))


def commands_of(connection: Connection, eui: str, limit: int) -> list[RowMapping]:
    """Return the newest commands of one gateway, newest first."""
    query = select(instructions).where(instructions.c.eui == eui, instructions.c.kind == EnvelopeKind.COMMAND)
    return list(connection.execute(query.order_by(instructions.c.version.desc()).limit(limit)).mappings())


def commands_since(connection: Connection, since_us: int) -> list[RowMapping]:
    """Return the commands to any gateway that were issued after an instant."""
    late = (instructions.c.kind == EnvelopeKind.COMMAND) & (instructions.c.issued_at_us > since_us)
    return list(connection.execute(select(instructions).where(late)).mappings())


# --- what the broker does not have yet ---------------------------------------------------------------
def unpublished(connection: Connection, limit: int) -> list[Unpublished]:
    """Return the newest versions and the instructions that wait for the broker; ``limit`` of each."""
    return [*_unpublished_versions(connection, limit), *_unpublished_instructions(connection, limit)]


def _unpublished_versions(connection: Connection, limit: int) -> list[Unpublished]:
    query = newest(versions.c.eui, versions.c.version, versions.c.envelope)
    rows = connection.execute(query.where(WAITS).limit(limit)).mappings()
    return [
        Unpublished(
            topic=topic(row["eui"], CONFIG_DESIRED),
            payload=row["envelope"],
            retain=True,
            arrived=update(versions)
            .where(versions.c.eui == row["eui"], versions.c.version == row["version"])
            .values(published=True),
        )
        for row in rows
    ]


def _unpublished_instructions(connection: Connection, limit: int) -> list[Unpublished]:
    query = select(instructions).where(instructions.c.published.is_(False)).limit(limit)
    return [
        Unpublished(
            topic=topic(row["eui"], f"{COMMAND}/{instruction_id(row['kind'], row['version'])}"),
            payload=row["envelope"],
            retain=False,
            arrived=update(instructions)
            .where(
                instructions.c.eui == row["eui"],
                instructions.c.kind == row["kind"],
                instructions.c.version == row["version"],
            )
            .values(published=True),
        )
        for row in connection.execute(query).mappings()
    ]
