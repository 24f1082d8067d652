"""How closed and closable months stand in the database: versions, last looks, facts that came late."""

from sqlalchemy import Connection, func, select

from fleet.evidence.facts import mark, marked
from fleet.evidence.tables import (
    blindness,
    deliveries,
    heartbeat_runs,
    journal_records,
    maintenances,
    statements,
)
from fleet.facts.months import Window, month_window
from fleet.facts.settings import DEFAULTS
from fleet.months.due import Standing, closable
from fleet.months.tables import month_versions
from fleet.registry.tables import commissioning


def standings(connection: Connection, now_us: int) -> list[Standing]:
    """Return the months that may be closed; months before our first evidence are not ours to close."""
    first_at_us = connection.scalar(select(func.min(journal_records.c.recorded_at_us)))
    months = closable(first_at_us, now_us)
    closed = set(connection.scalars(select(month_versions.c.month).distinct()))
    return [_standing(connection, month, closed=month in closed) for month in months]


def looked(connection: Connection, month: str, at_us: int) -> None:
    """Note that closing ``month`` was tried to the end with what was recorded before ``at_us``."""
    mark(connection, _name(month), at_us)


def _standing(connection: Connection, month: str, *, closed: bool) -> Standing:
    looked_at_us = marked(connection, _name(month)) if closed else None
    late = looked_at_us is not None and _late(connection, month_window(month), looked_at_us)
    return Standing(month=month, closed=closed, looked_at_us=looked_at_us, late=late)


def _name(month: str) -> str:
    return f"month_looked/{month}"


def _late(connection: Connection, window: Window, since_us: int) -> bool:
    """Return whether facts about the month were recorded since; a run that grows after its month is none."""
    start_us, end_us = window.start_us, window.end_us
    run, works, said, blind = heartbeat_runs.c, maintenances.c, statements.c, blindness.c
    sent, tail_us = deliveries.c, DEFAULTS.blindness_tail_us
    about = (
        (journal_records, journal_records.c.at_us < end_us),
        (heartbeat_runs, (run.last_at_us > start_us) & (run.last_at_us <= end_us)),
        (deliveries, (sent.received_from_at_us < end_us) & (sent.received_until_at_us > start_us)),
        (commissioning, commissioning.c.at_us < end_us),
        (maintenances, (works.from_at_us < end_us) & (works.until_at_us > start_us)),
        (statements, (said.from_at_us < end_us) & (said.until_at_us > start_us)),
        (
            blindness,
            (blind.from_at_us < end_us) & (func.coalesce(blind.until_at_us, end_us) > start_us - tail_us),
        ),
    )
    return any(
        connection.scalar(
            select(1).select_from(table).where(table.c.recorded_at_us >= since_us, test).limit(1)
        )
        for table, test in about
    )
