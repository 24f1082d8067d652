"""Evidence out of the database, as facts for the timelines and as the last word for people."""

from collections.abc import Collection

from sqlalchemy import Connection, RowMapping, func, select

from agent.wire.messages import Change, Heartbeat, PreviousBoot, Radio, TimeQuality, WireError, decode
from agent.wire.topics import HEALTH
from fleet.availability.facts import DeliveredFact, HeartbeatRun, JournalFact
from fleet.evidence.store import RUN_FIELDS
from fleet.evidence.tables import deliveries, heartbeat_runs, journal_records


def stored_heartbeat(payload: bytes) -> Heartbeat | None:
    """Return a heartbeat as it was stored; None when only newer code could read it."""
    try:
        message = decode(HEALTH, payload)
    except WireError:
        return None
    return message if isinstance(message, Heartbeat) else None


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
    values = {name: row[name] for name in RUN_FIELDS}
    values["radio"] = Radio(values["radio"])
    values["time_quality"] = TimeQuality(values["time_quality"])
    return HeartbeatRun(**values)


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
