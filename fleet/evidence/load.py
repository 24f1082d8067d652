"""Evidence out of the database, as facts for the timelines and as the last word for people."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, TypeVar

from sqlalchemy import CTE, ColumnElement, Connection, RowMapping, Select, Table, select

from agent.wire.messages import Change, Heartbeat, PreviousBoot, Radio, TimeQuality, WireError, decode
from agent.wire.neighbours import NEIGHBOUR_DELIVERED
from agent.wire.topics import HEALTH
from fleet.availability.compaction import MARGIN_US
from fleet.availability.relevance import relevant
from fleet.evidence.boots import Wanted, boots_of, deciding_boots, heard_gateways
from fleet.evidence.coherence import check_record, check_run
from fleet.evidence.store import RUN_FIELDS
from fleet.evidence.tables import deliveries, heartbeat_runs, journal_records
from fleet.facts.model import DeliveredFact, GatewayFacts, HeartbeatRun, JournalFact
from fleet.facts.months import Window
from fleet.facts.settings import ContractSettings

Row = TypeVar("Row", HeartbeatRun, JournalFact)


def stored_heartbeat(payload: bytes) -> Heartbeat | None:
    """Return a heartbeat as it was stored; None when only newer code could read it."""
    try:
        message = decode(HEALTH, payload)
    except WireError:
        return None
    return message if isinstance(message, Heartbeat) else None


def load_gateways(
    connection: Connection, window: Window, settings: ContractSettings, euis: Iterable[str] | None = None
) -> Iterator[GatewayFacts]:
    """Return what gateways said that decides the window, of some gateways or all that ever spoke.

    By the one rule of ``relevance``: the timeline is the same as with every fact that the store has.  A row
    that could not come in today proves nothing; ``GatewayFacts.skipped`` counts them.
    """
    wanted = heard_gateways(connection) if euis is None else euis
    for some in deciding_boots(connection, window.start_us, window.end_us, wanted):
        skipped: Counter[str] = Counter()
        runs: dict[str, list[HeartbeatRun]] = {}
        for run in _load_runs(connection, some, skipped):
            runs.setdefault(run.eui, []).append(run)
        journal: dict[str, list[JournalFact]] = {}
        for fact in _load_journal(connection, some, skipped):
            journal.setdefault(fact.eui, []).append(fact)
        for eui in some.floors:
            whole = GatewayFacts(
                eui=eui,
                runs=tuple(runs.pop(eui, ())),
                journal=tuple(journal.pop(eui, ())),
                skipped=skipped[eui],
            )
            yield relevant(whole, window, settings)


def load_stored_runs(
    connection: Connection, query: Select[Any], skipped: Counter[str] | None = None
) -> Iterator[HeartbeatRun]:
    """Return the runs that ``query`` finds and that could come in today; ``skipped`` counts the others."""
    return _usable(connection, query, _run, skipped)


def load_records(
    connection: Connection, query: Select[Any], skipped: Counter[str] | None = None
) -> Iterator[JournalFact]:
    """Return the records that ``query`` finds and that could come in today; ``skipped`` counts the others."""
    return _usable(connection, query, _journal_fact, skipped)


def _usable(
    connection: Connection,
    query: Select[Any],
    read: Callable[[RowMapping], Row],
    skipped: Counter[str] | None,
) -> Iterator[Row]:
    for row in connection.execute(query).mappings():
        try:
            yield read(row)
        except ValueError:
            if skipped is not None:
                skipped[row["eui"]] += 1


def _load_runs(connection: Connection, wanted: Wanted, skipped: Counter[str]) -> Iterator[HeartbeatRun]:
    table, boots = heartbeat_runs, boots_of(connection, wanted, MARGIN_US)
    query = select(table).select_from(boots.join(table, _same_boot(table, boots)))
    return load_stored_runs(connection, query.where(table.c.last_at_us >= boots.c.at_us), skipped)


def _load_journal(connection: Connection, wanted: Wanted, skipped: Counter[str]) -> Iterator[JournalFact]:
    table, boots = journal_records, boots_of(connection, wanted, MARGIN_US)
    query = select(table).select_from(boots.join(table, _same_boot(table, boots)))
    return load_records(connection, query.where(table.c.recorded_at_us >= boots.c.at_us), skipped)


def _same_boot(table: Table, boots: CTE) -> ColumnElement[bool]:
    return (table.c.eui == boots.c.eui) & (table.c.boot == boots.c.boot)


def load_deliveries(
    connection: Connection, window: Window, euis: Collection[str] | None = None
) -> list[DeliveredFact]:
    """Return the proofs of delivery of frames received in the window, of some gateways or all."""
    table = deliveries
    query = select(table).where(
        table.c.received_until_at_us > window.start_us, table.c.received_from_at_us < window.end_us
    )
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
            dropped=sum(count for why, count in row["dropped"].items() if why != NEIGHBOUR_DELIVERED),
            recorded_at_us=row["recorded_at_us"],
        )
        for row in connection.execute(query).mappings()
    ]


def _run(row: RowMapping) -> HeartbeatRun:
    values = {name: row[name] for name in RUN_FIELDS}
    values["radio"] = Radio(values["radio"])
    values["time_quality"] = TimeQuality(values["time_quality"])
    run = HeartbeatRun(**values)
    check_run(run)
    return run


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
    fact = JournalFact(
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
    check_record(fact)
    return fact
