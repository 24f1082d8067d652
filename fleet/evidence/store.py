"""Evidence into the database: a sorted batch in one transaction, append-only."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, tuple_, update

from agent.wire.messages import encode
from agent.wire.reasons import written
from agent.wire.topics import JOURNAL, topic
from fleet.broker.received import Received
from fleet.db.upsert import insert_new, upsert
from fleet.evidence import vitals
from fleet.evidence.boots import groups
from fleet.evidence.ingest import Sorted
from fleet.evidence.tables import (
    counters,
    deliveries,
    heard,
    heartbeat_runs,
    incoherences,
    journal_records,
    latest,
    notes,
    presence_edges,
    refused_messages,
    reported_configurations,
)
from fleet.facts.model import HeartbeatRun, JournalFact, journal_fact
from fleet.lang.reasons import kept

REFUSED_KEPT = 1_000
"""Refused messages kept for inspection; older ones give way and stay counted."""
REFUSED_PAYLOAD_BYTES = 4 * 1024
REASON_LIMIT_CHARACTERS = 500
RUN_FIELDS = tuple(field.name for field in fields(HeartbeatRun))


def store_batch(connection: Connection, rows: Sorted) -> None:
    """Write everything of ``rows``; storing it again changes nothing but the counters."""
    upsert(
        connection,
        heartbeat_runs,
        [run_row(run) for run in rows.runs.values()],
        key=("eui", "boot", "first_seq"),
    )
    vitals.add(connection, vitals.sums_of(rows.vitals))
    _store_latest(connection, rows)
    if rows.presence_edges:
        connection.execute(insert(presence_edges), rows.presence_edges)
    journal = [journal_row(journal_fact(eui, record, at_us)) for eui, record, at_us in rows.journal]
    new = insert_new(connection, journal_records, journal)
    refused = [*rows.refused, *(_contradicting(connection, rows) if new < len(journal) else ())]
    _store_events(connection, rows)
    _store_reports(connection, rows)
    store_refused(connection, refused)
    _store_incoherent(connection, rows)
    count(
        connection,
        {
            "heartbeats": len(rows.vitals),
            "repeated": rows.repeated + len(journal) - new,
            "journal_records": new,
            "refused": len(refused),
            "incoherent": sum(number for number, _, _ in rows.incoherent.values()),
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
            "fields": event.fields | {name: written(why) for name, why in event.reasons.items()},
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
            "reason": kept(report.why, report.reason),
            "at_us": report.at_us,
            "recorded_at_us": at_us,
        }
        for eui, (report, at_us) in rows.reported.items()
    ]
    upsert(connection, reported_configurations, reports, key=("eui",))


def _contradicting(connection: Connection, rows: Sorted) -> Iterator[tuple[Received, str]]:
    """Yield records that say something else than the one that was stored first under their number."""
    table = journal_records
    key = tuple_(table.c.eui, table.c.boot, table.c.journal_seq)
    for some in groups(rows.journal):
        keys = sorted({(eui, record.boot, record.journal_seq) for eui, record, _ in some})
        stored = {
            (row["eui"], row["boot"], row["journal_seq"]): dict(row)
            for row in connection.execute(select(table).where(key.in_(keys))).mappings()
        }
        for eui, record, at_us in some:
            known = stored[eui, record.boot, record.journal_seq]
            said = journal_row(journal_fact(eui, record, known["recorded_at_us"]))
            if said != known:
                number = f"{record.boot}/{record.journal_seq}"
                message = Received(
                    topic=topic(eui, JOURNAL), payload=encode(record), retained=False, received_at_us=at_us
                )
                yield (
                    message,
                    f"journal_seq: {number} was stored with other content; two boxes or a copied disk",
                )


def _store_incoherent(connection: Connection, rows: Sorted) -> None:
    table = incoherences
    found: dict[str, int] = {}
    for some in groups(sorted(rows.incoherent)):
        known = select(table.c.eui, table.c.refused).where(table.c.eui.in_(some))
        found |= {row.eui: row.refused for row in connection.execute(known)}
    changed = [
        {
            "eui": eui,
            "refused": found.get(eui, 0) + number,
            "reason": reason[:REASON_LIMIT_CHARACTERS].replace("\0", "�"),
            "last_at_us": at_us,
        }
        for eui, (number, reason, at_us) in rows.incoherent.items()
    ]
    upsert(connection, table, changed, key=("eui",))


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


def run_row(run: HeartbeatRun) -> dict[str, Any]:
    """Return the row of a run."""
    row = {name: getattr(run, name) for name in RUN_FIELDS}
    row["radio"] = int(run.radio)
    row["time_quality"] = int(run.time_quality)
    return row


def journal_row(fact: JournalFact) -> dict[str, Any]:
    """Return the row of a journal record."""
    previous = fact.previous
    return {
        "eui": fact.eui,
        "boot": fact.boot,
        "journal_seq": fact.journal_seq,
        "uptime_ms": fact.uptime_ms,
        "at_us": fact.at_us,
        "time_quality": int(fact.time_quality),
        "change": int(fact.change),
        "subject": fact.subject,
        "value": fact.value,
        "reason": fact.reason,
        "since_ms": fact.since_ms,
        "previous_boot": None if previous is None else previous.boot,
        "previous_uptime_ms": None if previous is None else previous.uptime_ms,
        "previous_at_us": None if previous is None else previous.at_us,
        "previous_time_quality": None if previous is None else int(previous.time_quality),
        "previous_clean": None if previous is None else previous.clean,
        "previous_journal_seq": None if previous is None else previous.journal_seq,
        "recorded_at_us": fact.recorded_at_us,
    }
