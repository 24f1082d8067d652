"""Configurations each cycle: what is desired goes out, what waits is permitted, what works is confirmed."""

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, RowMapping, Update, and_, func, select, update

from agent.wire.envelope import Kind
from agent.wire.messages import ConfigReported, ConfigState
from agent.wire.topics import COMMAND, CONFIG_DESIRED, topic
from fleet.configurations import push
from fleet.configurations.rules import ASK_AGAIN_US, PERMIT_LIFE_US, Trial, should_confirm, why_not
from fleet.configurations.tables import configuration_versions, instructions
from fleet.evidence.tables import reported_configurations
from fleet.live.memory import Memory
from fleet.live.model import NetworkNow

PUBLISH_LIMIT = 500
"""Envelopes handed to the broker in one cycle; the rest waits for the next."""
Note = Callable[[Update], None]
Publish = Callable[[str, bytes, bool, Callable[[], None]], bool]
"""(topic, payload, retain, done) → whether it was taken."""


def confirm_working(connection: Connection, key: Ed25519PrivateKey, memory: Memory, now_us: int) -> int:
    """Say the word for each version that was seen working; return how many."""
    said = 0
    for eui, trial, reported in _trials(connection):
        known = memory.of(eui)
        why = should_confirm(trial, known.heartbeat, known.heartbeat_at_us, reported, now_us)
        if why:
            push.queue_instruction(
                connection,
                key,
                eui=eui,
                kind=Kind.CONFIRMATION,
                payload=trial.sha256.encode(),
                now_us=now_us,
            )
            push.confirm(connection, eui, trial.version, now_us)
            said += 1
    return said


def _trials(connection: Connection) -> list[tuple[str, Trial, ConfigReported | None]]:
    table, reports = configuration_versions, reported_configurations
    newest = select(table.c.eui, func.max(table.c.version).label("version")).group_by(table.c.eui).subquery()
    unsettled = table.c.confirmed_at_us.is_(None) | (reports.c.state == int(ConfigState.TRIAL))
    query = (
        select(
            table.c.eui,
            table.c.version,
            table.c.sha256,
            table.c.issued_at_us,
            table.c.confirmed_at_us,
            reports.c.version.label("reported_version"),
            reports.c.sha256.label("reported_sha256"),
            reports.c.state,
            reports.c.seen_version,
            reports.c.reason,
        )
        .join(newest, and_(newest.c.eui == table.c.eui, newest.c.version == table.c.version))
        .outerjoin(reports, reports.c.eui == table.c.eui)
        .where(unsettled)
    )
    found = []
    for row in connection.execute(query).mappings():
        trial = Trial(
            version=row["version"],
            sha256=row["sha256"],
            issued_at_us=row["issued_at_us"],
            said_at_us=row["confirmed_at_us"],
        )
        found.append((row["eui"], trial, _reported(row)))
    return found


def _reported(row: RowMapping) -> ConfigReported | None:
    if row["state"] is None:
        return None
    return ConfigReported(
        version=row["reported_version"],
        sha256=row["reported_sha256"],
        state=ConfigState(row["state"]),
        seen_version=row["seen_version"],
        reason=row["reason"],
    )


def grant_permits(
    connection: Connection, key: Ed25519PrivateKey, network: NetworkNow, now_us: int
) -> dict[str, str]:
    """Permit each waiting change that harms nobody now; return why each of the others waits on."""
    reports, table = reported_configurations, configuration_versions
    waiting = connection.execute(
        select(reports.c.eui, table.c.sha256)
        .join(table, and_(table.c.eui == reports.c.eui, table.c.version == reports.c.seen_version))
        .where(reports.c.state == int(ConfigState.WAITING))
    ).all()
    if not waiting:
        return {}
    lately = select(instructions.c.eui, func.max(instructions.c.issued_at_us)).group_by(instructions.c.eui)
    permits = connection.execute(lately.where(instructions.c.kind == Kind.PERMIT))
    said: dict[str, int] = {row[0]: row[1] for row in permits}
    under_way = {eui for eui, at_us in said.items() if now_us - at_us < PERMIT_LIFE_US}
    refused: dict[str, str] = {}
    for eui, sha256 in sorted(waiting, key=lambda row: (said.get(row[0], 0), row[0])):
        if now_us - said.get(eui, 0) < ASK_AGAIN_US:
            continue
        why = why_not(network, eui, under_way)
        if why:
            refused[eui] = why
            continue
        under_way.add(eui)
        push.queue_instruction(
            connection,
            key,
            eui=eui,
            kind=Kind.PERMIT,
            payload=sha256.encode(),
            now_us=now_us,
            life_us=PERMIT_LIFE_US,
        )
    return refused


def publish_waiting(connection: Connection, publish: Publish, done: Note) -> int:
    """Hand to the broker what it does not have yet; ``done`` gets the statement that notes its arrival."""
    handed = 0
    table = configuration_versions
    newest = select(table.c.eui, func.max(table.c.version).label("version")).group_by(table.c.eui).subquery()
    query = (
        select(table.c.eui, table.c.version, table.c.envelope)
        .join(newest, and_(newest.c.eui == table.c.eui, newest.c.version == table.c.version))
        .where(table.c.published.is_(False))
        .limit(PUBLISH_LIMIT)
    )
    for eui, version, envelope in connection.execute(query).all():
        noted = update(table).where(table.c.eui == eui, table.c.version == version).values(published=True)
        handed += publish(topic(eui, CONFIG_DESIRED), envelope, True, _call(done, noted))
    said = select(instructions.c.eui, instructions.c.kind, instructions.c.version, instructions.c.envelope)
    for eui, kind, version, envelope in connection.execute(
        said.where(instructions.c.published.is_(False)).limit(PUBLISH_LIMIT)
    ).all():
        noted = (
            update(instructions)
            .where(instructions.c.eui == eui, instructions.c.kind == kind, instructions.c.version == version)
            .values(published=True)
        )
        full = topic(eui, f"{COMMAND}/{push.instruction_id(kind, version)}")
        handed += publish(full, envelope, False, _call(done, noted))
    return handed


def _call(done: Note, noted: Update) -> Callable[[], None]:
    return lambda: done(noted)
