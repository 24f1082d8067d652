"""Evidence into the database: a sorted batch in one transaction, append-only."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, tuple_

from agent.wire.messages import ConfigReported, Noted, encode
from agent.wire.reasons import written
from agent.wire.topics import JOURNAL, topic
from fleet.broker.received import Received
from fleet.db.upsert import Rows, insert_new, write
from fleet.evidence import deliveries
from fleet.evidence.boots import groups
from fleet.evidence.ingest import Sorted
from fleet.evidence.tables import (
    counters,
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
from fleet.lang.text import one_line

REFUSED_KEPT = 1_000
"""Refused messages kept for inspection; older ones give way and stay counted."""
REFUSED_PAYLOAD_BYTES = 4 * 1024
REASON_LIMIT_CHARACTERS = 500
RUN_FIELDS = tuple(field.name for field in fields(HeartbeatRun))


def store_batch(connection: Connection, rows: Sorted, measured: Rows) -> None:
    """Write everything of ``rows`` at once; storing it again changes nothing but the counters.

    ``measured`` are the rows of health details (``fleet.evidence.vitals``).
    """
    repeated, refused = _store_journal(connection, rows)
    refused = [*rows.refused, *refused]
    store_refused(connection, refused)
    unheard = sum(number for number, _ in rows.unheard.values())
    counted = {
        "heartbeats": len(rows.vitals),
        "repeated": rows.repeated + repeated,
        "journal_records": len(rows.journal) - repeated,
        "refused": len(refused) + unheard,
        "unheard": unheard,
        "incoherent": sum(number for number, _, _ in rows.incoherent.values()),
    }
    if rows.presence_edges:
        connection.execute(insert(presence_edges), rows.presence_edges)
    delivered = deliveries.rows_of(connection, rows.delivered) if rows.delivered else ()
    write(connection, (*_parts(rows), *delivered, measured, _counter_rows(counted)))


def _parts(rows: Sorted) -> Iterator[Rows]:
    """Yield what becomes of each kind of message, table by table."""
    runs = [run_row(run) for run in rows.runs.values()]
    yield Rows(heartbeat_runs, ("eui", "boot", "first_seq"), runs)
    beats = [
        {"eui": eui, "heartbeat": payload, "heartbeat_at_us": at_us}
        for eui, (_, payload, at_us) in rows.heartbeats.items()
    ]
    yield Rows(latest, ("eui",), beats)
    present = [
        {"eui": eui, "online": one.online, "presence_boot": one.boot, "presence_at_us": at_us}
        for eui, (one, at_us) in rows.presence.items()
    ]
    yield Rows(latest, ("eui",), present)
    yield Rows(notes, ("eui", "boot", "seq"), [_note_row(*one) for one in rows.noted], kept=True)
    sketches = [
        {name: getattr(event, name) for name in event.__struct_fields__}
        | {"eui": eui, "recorded_at_us": at_us}
        for (eui, _, _), (event, at_us) in rows.heard.items()
    ]
    yield Rows(heard, ("eui", "day", "address"), sketches)
    reports = [_report_row(eui, *one) for eui, one in rows.reported.items()]
    yield Rows(reported_configurations, ("eui",), reports)
    incoherent = [
        {
            "eui": eui,
            "refused": number,
            "reason": _storable(reason),
            "last_at_us": at_us,
        }
        for eui, (number, reason, at_us) in rows.incoherent.items()
    ]
    yield Rows(incoherences, ("eui",), incoherent, added=("refused",))


def _note_row(eui: str, event: Noted, at_us: int) -> dict[str, Any]:
    return {
        "eui": eui,
        "boot": event.boot,
        "seq": event.seq,
        "at_us": event.at_us,
        "name": one_line(event.name),
        "fields": _folded(event.fields) | {name: written(why) for name, why in event.reasons.items()},
        "recorded_at_us": at_us,
    }


def _folded(fields: dict[str, str | int | float]) -> dict[str, str | int | float]:
    """Return what a gateway noted, each text on a line of its own."""
    return {
        one_line(name): one_line(value) if isinstance(value, str) else value for name, value in fields.items()
    }


def _report_row(eui: str, report: ConfigReported, at_us: int) -> dict[str, Any]:
    return {
        "eui": eui,
        "version": report.version,
        "sha256": report.sha256,
        "state": int(report.state),
        "seen_version": report.seen_version,
        "reason": kept(report.why, report.reason),
        "at_us": report.at_us,
        "recorded_at_us": at_us,
    }


def _store_journal(connection: Connection, rows: Sorted) -> tuple[int, list[tuple[Received, str]]]:
    """Write the journal; return how many records were known, and those that contradict what was known."""
    journal = [journal_row(journal_fact(eui, record, at_us)) for eui, record, at_us in rows.journal]
    if not journal:
        return 0, []
    repeated = len(journal) - insert_new(connection, journal_records, journal)
    return repeated, list(_contradicting(connection, rows)) if repeated else []


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


def store_refused(connection: Connection, refused: list[tuple[Received, str]]) -> None:
    """Keep refused messages for inspection, the newest ``REFUSED_KEPT``."""
    if not refused:
        return
    rows = [
        {
            "topic": _storable(message.topic),
            "payload": message.payload[:REFUSED_PAYLOAD_BYTES],
            "payload_bytes": len(message.payload),
            "reason": _storable(reason),
            "recorded_at_us": message.received_at_us,
        }
        for message, reason in refused[-REFUSED_KEPT:]
    ]
    connection.execute(insert(refused_messages), rows)
    newest = connection.scalar(select(func.max(refused_messages.c.id))) or 0
    connection.execute(delete(refused_messages).where(refused_messages.c.id <= newest - REFUSED_KEPT))


def count(connection: Connection, increments: dict[str, int]) -> None:
    """Add to the totals since installation."""
    write(connection, (_counter_rows(increments),))


def _counter_rows(increments: dict[str, int]) -> Rows:
    rows = [{"name": name, "value": increment} for name, increment in increments.items() if increment]
    return Rows(counters, ("name",), rows, added=("value",))


def _storable(text: str) -> str:
    """Return text that both databases keep and a page can show: on a line, not too long, without NUL."""
    return one_line(text)[:REASON_LIMIT_CHARACTERS]


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
