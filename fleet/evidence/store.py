"""Evidence in the database: a sorted batch goes in, one transaction; facts come out for the timelines."""

from collections.abc import Collection
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from agent.wire.messages import (
    Change,
    Heartbeat,
    JournalRecord,
    PreviousBoot,
    Radio,
    TimeQuality,
    WireError,
    decode,
)
from agent.wire.topics import HEALTH
from fleet.availability.facts import DeliveredFact, HeartbeatRun, JournalFact
from fleet.configurations.tables import reported_configurations, words
from fleet.db.upsert import insert_new, upsert
from fleet.evidence.inbox import Received
from fleet.evidence.ingest import Sorted
from fleet.evidence.tables import (
    counters,
    deliveries,
    heard,
    heartbeat_runs,
    journal_records,
    latest,
    notes,
    presence_edges,
    refused_messages,
)

REFUSED_KEPT = 1_000
"""Refused messages kept for inspection; older ones give way and stay counted."""
REFUSED_PAYLOAD_BYTES = 4 * 1024
REASON_LIMIT_CHARACTERS = 500
_RUN_FIELDS = tuple(field.name for field in fields(HeartbeatRun))


def store_batch(connection: Connection, rows: Sorted) -> None:
    """Write everything of ``rows``; storing it again changes nothing but the counters."""
    upsert(
        connection,
        heartbeat_runs,
        [run_row(run) for run in rows.runs.values()],
        key=("eui", "boot", "first_seq"),
    )
    _store_latest(connection, rows)
    if rows.presence_edges:
        connection.execute(insert(presence_edges), rows.presence_edges)
    journal = [_journal_row(eui, record, at_us) for eui, record, at_us in rows.journal]
    new = insert_new(connection, journal_records, journal)
    _store_events(connection, rows)
    _store_reports(connection, rows)
    store_refused(connection, rows.refused)
    count(
        connection,
        {
            "heartbeats": rows.heartbeat_count,
            "repeated": rows.repeated + len(journal) - new,
            "journal_records": new,
            "refused": len(rows.refused),
        },
    )


def _store_latest(connection: Connection, rows: Sorted) -> None:
    heard_from = [
        {
            "eui": eui,
            "heartbeat": payload,
            "heartbeat_at_us": at_us,
        }
        for eui, (_, payload, at_us) in rows.heartbeats.items()
    ]
    upsert(connection, latest, heard_from, key=("eui",))
    present = [
        {
            "eui": eui,
            "online": presence.online,
            "presence_boot": presence.boot,
            "presence_at_us": at_us,
        }
        for eui, (presence, at_us) in rows.presence.items()
    ]
    upsert(connection, latest, present, key=("eui",))


def _store_events(connection: Connection, rows: Sorted) -> None:
    delivered = [
        {
            "eui": eui,
            "boot": event.boot,
            "seq": event.seq,
            "connector": event.connector,
            "received_from_at_us": event.received_from_us,
            "received_until_at_us": event.received_until_us,
            "acked_at_us": event.acked_at_us,
            "frames": event.frames,
            "dropped": event.dropped,
            "recorded_at_us": at_us,
        }
        for eui, event, at_us in rows.delivered
    ]
    insert_new(connection, deliveries, delivered)
    noted = [
        {
            "eui": eui,
            "boot": event.boot,
            "seq": event.seq,
            "at_us": event.at_us,
            "name": event.name,
            "fields": event.fields,
            "recorded_at_us": at_us,
        }
        for eui, event, at_us in rows.noted
    ]
    insert_new(connection, notes, noted)
    sketches = [
        {name: getattr(event, name) for name in event.__struct_fields__}
        | {"eui": eui, "recorded_at_us": at_us}
        for (eui, _, _), (event, at_us) in rows.heard.items()
    ]
    upsert(connection, heard, sketches, key=("eui", "day", "address"))


def _store_reports(connection: Connection, rows: Sorted) -> None:
    reports = [
        {
            "eui": eui,
            "version": report.version,
            "sha256": report.sha256,
            "state": int(report.state),
            "seen_version": report.seen_version,
            "reason": report.reason,
            "at_us": report.at_us,
            "recorded_at_us": at_us,
        }
        for eui, (report, at_us) in rows.reported.items()
    ]
    upsert(connection, reported_configurations, reports, key=("eui",))
    for eui, reply, at_us in rows.replies:
        kind, _, version = reply.command_id.rpartition("-")
        if version.isdigit():
            answered = update(words).where(
                words.c.eui == eui, words.c.kind == kind, words.c.version == int(version)
            )
            connection.execute(answered.values(replied_at_us=at_us, reply_ok=reply.ok, reply_text=reply.text))


def store_refused(connection: Connection, refused: list[tuple[Received, str]]) -> None:
    """Keep refused messages for inspection, the newest ``REFUSED_KEPT``."""
    if not refused:
        return
    rows = [
        {
            "topic": message.topic[:REASON_LIMIT_CHARACTERS].replace("\0", "�"),
            "payload": message.payload[:REFUSED_PAYLOAD_BYTES],
            "payload_bytes": len(message.payload),
            "reason": reason[:REASON_LIMIT_CHARACTERS].replace("\0", "�"),
            "recorded_at_us": message.received_at_us,
        }
        for message, reason in refused[-REFUSED_KEPT:]
    ]
    connection.execute(insert(refused_messages), rows)
    newest = connection.scalar(select(func.max(refused_messages.c.id))) or 0
    connection.execute(delete(refused_messages).where(refused_messages.c.id <= newest - REFUSED_KEPT))


def count(connection: Connection, increments: dict[str, int]) -> None:
    """Add to the totals since installation."""
    for name, increment in increments.items():
        if increment:
            changed = update(counters).where(counters.c.name == name)
            if not connection.execute(changed.values(value=counters.c.value + increment)).rowcount:
                connection.execute(insert(counters).values(name=name, value=increment))


def stored_heartbeat(payload: bytes) -> Heartbeat | None:
    """Return a heartbeat as it was stored; None when only newer code could read it."""
    try:
        message = decode(HEALTH, payload)
    except WireError:
        return None
    return message if isinstance(message, Heartbeat) else None


def run_row(run: HeartbeatRun) -> dict[str, Any]:
    """Return the row of a run."""
    row = {name: getattr(run, name) for name in _RUN_FIELDS}
    row["radio"] = int(run.radio)
    row["time_quality"] = int(run.time_quality)
    return row


def load_runs(connection: Connection, from_us: int) -> list[HeartbeatRun]:
    """Return the runs that end at or after ``from_us``, and the newest before it of each gateway."""
    table = heartbeat_runs
    newest = (
        select(table.c.eui, func.max(table.c.last_at_us).label("last_at_us"))
        .where(table.c.last_at_us < from_us)
        .group_by(table.c.eui)
        .subquery()
    )
    before = select(table).join(
        newest, (newest.c.eui == table.c.eui) & (newest.c.last_at_us == table.c.last_at_us)
    )
    rows = [
        *connection.execute(before).mappings(),
        *connection.execute(select(table).where(table.c.last_at_us >= from_us)).mappings(),
    ]
    return [_run(row) for row in rows]


def load_journal(connection: Connection, from_us: int) -> list[JournalFact]:
    """Return the journal records that say or were recorded at ``from_us`` or later."""
    table = journal_records
    query = select(table).where((table.c.at_us >= from_us) | (table.c.recorded_at_us >= from_us))
    return [_journal_fact(row) for row in connection.execute(query).mappings()]


def load_deliveries(
    connection: Connection, from_us: int, euis: Collection[str] | None = None
) -> list[DeliveredFact]:
    """Return the proofs of delivery of frames received at ``from_us`` or later, of some gateways or all."""
    table = deliveries
    query = select(table).where(table.c.received_until_at_us >= from_us)
    if euis is not None:
        query = query.where(table.c.eui.in_(euis))
    return [
        DeliveredFact(
            eui=row["eui"],
            boot=row["boot"],
            seq=row["seq"],
            connector=row["connector"],
            received_from_us=row["received_from_at_us"],
            received_until_us=row["received_until_at_us"],
            acked_at_us=row["acked_at_us"],
            frames=row["frames"],
            dropped=sum(row["dropped"].values()),
            recorded_at_us=row["recorded_at_us"],
        )
        for row in connection.execute(query).mappings()
    ]


def _run(row: RowMapping) -> HeartbeatRun:
    values = {name: row[name] for name in _RUN_FIELDS}
    values["radio"] = Radio(values["radio"])
    values["time_quality"] = TimeQuality(values["time_quality"])
    return HeartbeatRun(**values)


def _journal_row(eui: str, record: JournalRecord, at_us: int) -> dict[str, Any]:
    previous = record.previous
    return {
        "eui": eui,
        "boot": record.boot,
        "journal_seq": record.journal_seq,
        "uptime_ms": record.uptime_ms,
        "at_us": record.at_us,
        "time_quality": int(record.time_quality),
        "change": int(record.change),
        "subject": record.subject,
        "value": record.value,
        "reason": record.reason,
        "since_ms": record.since_ms,
        "previous_boot": None if previous is None else previous.boot,
        "previous_uptime_ms": None if previous is None else previous.uptime_ms,
        "previous_at_us": None if previous is None else previous.at_us,
        "previous_time_quality": None if previous is None else int(previous.time_quality),
        "previous_clean": None if previous is None else previous.clean,
        "previous_journal_seq": None if previous is None else previous.journal_seq,
        "recorded_at_us": at_us,
    }


def _journal_fact(row: RowMapping) -> JournalFact:
    previous = None
    if row["previous_boot"] is not None:
        previous = PreviousBoot(
            boot=row["previous_boot"],
            uptime_ms=row["previous_uptime_ms"],
            at_us=row["previous_at_us"],
            time_quality=TimeQuality(row["previous_time_quality"]),
            clean=row["previous_clean"],
            journal_seq=row["previous_journal_seq"] or 0,
        )
    return JournalFact(
        eui=row["eui"],
        boot=row["boot"],
        journal_seq=row["journal_seq"],
        uptime_ms=row["uptime_ms"],
        at_us=row["at_us"],
        time_quality=TimeQuality(row["time_quality"]),
        change=Change(row["change"]),
        subject=row["subject"],
        value=row["value"],
        reason=row["reason"],
        since_ms=row["since_ms"],
        previous=previous,
        recorded_at_us=row["recorded_at_us"],
    )
