"""A month that was closed, of one gateway that lost its LNS for an hour."""

from pathlib import Path

from sqlalchemy import insert, select, update

from agent.wire.messages import Change
from fleet.db.connect import Database
from fleet.evidence import store
from fleet.evidence.tables import heartbeat_runs, journal_records, latest
from fleet.facts.months import closes_at_us, month_window
from fleet.facts.settings import DEFAULTS
from fleet.months.tables import month_versions
from fleet.months.versions import close_month
from tests.unit.fleet.availability.making import T0, S, boot_records, record, run
from tests.unit.fleet.founded import EUIS, founded_database

MONTH = "2026-10"
WINDOW = month_window(MONTH)
CLOSED_US = closes_at_us(MONTH)
EUI = EUIS[0]
START = (WINDOW.start_us - T0) // S + 600
"""Start of its boot, in seconds from ``T0``."""
SAID_US = WINDOW.start_us + 10 * 86_400 * S
DAY = 86_400


OTHER_CODE = "passerelle availability 2"


def closed_by_another(database: Database) -> None:
    """Let the month be one that an older program closed, which told a commune otherwise."""
    with database.write() as connection:
        figures = connection.scalar(select(month_versions.c.figures))
        figures["communes"][0]["served"] += 1
        figures["code"] = OTHER_CODE
        connection.execute(update(month_versions).values(figures=figures))


def closed_month(folder: Path) -> Database:
    database = founded_database(folder, now_us=WINDOW.start_us)
    runs = [
        run(START, START + 30 * first, START + 30 * last, journal, boot=7, up=up)
        for first, last, journal, up in ((0, 2879, 3, True), (2881, 2999, 4, False), (3001, 90_000, 5, True))
    ]
    journal = [
        *boot_records(START, boot=7),
        record(START, 4, START + 86_390, Change.CONNECTOR, "DOWN", boot=7, since=START + 86_365),
        record(START, 5, START + 90_000, Change.CONNECTOR, "UP", boot=7),
    ]
    with database.write() as connection:
        connection.execute(insert(latest).values(eui=EUI))
        rows = [store.run_row(one) | {"eui": EUI} for one in runs]
        connection.execute(insert(heartbeat_runs), rows)
        connection.execute(
            insert(journal_records), [store.journal_row(one) | {"eui": EUI} for one in journal]
        )
        assert close_month(connection, MONTH, DEFAULTS, who="test", now_us=CLOSED_US) is not None
    return database
