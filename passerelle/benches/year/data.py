"""Twelve months of the whole network in a database, made set by set: what a fleet has after a year.

Heartbeats and journals are lived by ``fleet.simulation``, month by month; what follows from a rhythm alone
(health details by the hour, frames by five minutes) is written by the database itself.  Of the months that
are over, the newest is left to the fleet to close; the one before is closed as the fleet would have closed
it, and its version stands for those of all older months too: they only lie there.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, literal, select, text

from fleet.db.connect import Database
from fleet.durations import DAY_US, HOUR_US, MINUTE_US
from fleet.evidence.facts import LAST_CYCLE, mark
from fleet.evidence.store import journal_row, run_row
from fleet.evidence.tables import deliveries, heartbeat_runs, journal_records, latest
from fleet.evidence.vitals import NAMES
from fleet.facts.model import GatewayFacts, HeartbeatRun, JournalFact
from fleet.facts.months import Window, closes_at_us, month_window, months_between
from fleet.facts.settings import DEFAULTS
from fleet.months.closer import note_look
from fleet.months.tables import month_versions
from fleet.months.versions import close_month
from fleet.registry import tables
from fleet.retention import Retention
from fleet.simulation.network import network_month
from passerelle.benches.year.kept import MONTHS, VITALS_DAYS
from passerelle.benches.year.served import Life

GATEWAYS, COMMUNES, TROUBLES = 1_615, 539, 10_000
WHO = "bench"
BOOTS_A_MONTH = 1_000_000
"""Between the boots of two months: each month is lived by itself."""
EDGE_US = MINUTE_US
"""Nothing is told so close to a month's edge: the boots of two months do not overlap."""
AT_ONCE = 200
"""Gateways written at once."""
_VITALS = '{"' + '":[120,5400,40,52],"'.join(NAMES) + '":[120,5400,40,52]}'
_SLOTS = "[" + ",".join(["25"] * 288) + "]"
FRAMES_A_SPAN = 25
_NUMBERS = "numbers(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n < :last)"
_EACH = "FROM gateways CROSS JOIN numbers"


def fill(database: Database, now_us: int) -> tuple[dict[str, Life], str]:
    """Write a year that ended an hour ago; return how gateways go on, and the month that is to be closed."""
    euis = [f"{0x0016C00100000000 + index:016x}" for index in range(GATEWAYS)]
    months = months_between(now_us - (MONTHS + 1) * 31 * DAY_US, now_us)[-MONTHS - 1 :]
    start_us, end_us = month_window(months[0]).start_us, now_us - HOUR_US
    with database.write() as connection:
        _register(connection, euis, start_us)
        connection.execute(insert(latest), [{"eui": eui} for eui in euis])
    closable = [month for month in months if closes_at_us(month) < now_us]
    for number, month in enumerate(months):
        whole = month_window(month)
        first_us, last_us = whole.start_us + EDGE_US, min(whole.end_us, end_us) - EDGE_US
        if first_us < last_us:
            live_month(database, number, month, Window(first_us, last_us))
        if month == closable[-1]:
            _close(database, closable[:-1], now_us)
    with database.write() as connection:
        _rhythm(connection, end_us)
        mark(connection, LAST_CYCLE, end_us)
    return lives(database), closable[-1]


def lives(database: Database) -> dict[str, Life]:
    """Return the newest heartbeat of each gateway."""
    run = heartbeat_runs.c
    newest = select(run.eui, func.max(run.last_at_us).label("at_us")).group_by(run.eui).subquery()
    same = (run.eui == newest.c.eui) & (run.last_at_us == newest.c.at_us)
    with database.read() as connection:
        return {
            row.eui: Life(
                boot=row.boot,
                seq=row.last_seq,
                uptime_ms=row.last_uptime_ms,
                at_us=row.last_at_us,
                journal_seq=row.journal_seq,
            )
            for row in connection.execute(select(heartbeat_runs).join(newest, same))
        }


def _close(database: Database, months: list[str], now_us: int) -> None:
    """Close the last of some months, and let its version stand for the others'."""
    *older, newest = months
    with database.write() as connection:
        close_month(connection, newest, DEFAULTS, who=WHO, now_us=closes_at_us(newest))
        for month in older:
            table = month_versions.c
            columns = [each for each in table if each is not table.month]
            copied = select(literal(month), *columns).where(table.month == newest)
            connection.execute(insert(month_versions).from_select([table.month, *columns], copied))
        for month in months:
            note_look(connection, month, now_us)


def _register(connection: Connection, euis: list[str], at_us: int) -> None:
    cards = network_month(gateways=GATEWAYS, communes=COMMUNES, troubles=0)
    communes = [
        {"insee": one.insee, "name": f"Commune {one.insee}", "population": one.population, "epci": "CC"}
        for one in cards.given.communes
    ]
    connection.execute(insert(tables.communes), communes)
    first = {one.eui: one.commune_insee for one in reversed(cards.given.facts.memberships)}
    sites = [
        {
            "id": number,
            "key": f"s{number}",
            "name": f"Site {number}",
            "commune_insee": first.get(eui, "00000"),
        }
        for number, eui in enumerate(euis, start=1)
    ]
    connection.execute(insert(tables.sites), sites)
    gateways = [
        {"eui": eui, "name": f"Passerelle {number}", "site_id": number, "status": "in_service"}
        | {"accepted_at_us": at_us}
        for number, eui in enumerate(euis, start=1)
    ]
    connection.execute(insert(tables.gateways), gateways)
    recorded = {"recorded_at_us": at_us}
    members = [
        {"commune_insee": one.commune_insee, "eui": one.eui, "valid_from_at_us": at_us, "approved_by": WHO}
        | recorded
        for one in cards.given.facts.memberships
    ]
    connection.execute(insert(tables.memberships), members)
    accepted = [
        {"eui": eui, "kind": "accepted", "at_us": at_us, "recorded_by": WHO} | recorded for eui in euis
    ]
    connection.execute(insert(tables.commissioning), accepted)


def live_month(database: Database, number: int, month: str, window: Window) -> None:
    """Write one month of heartbeats, journals and proofs of delivery."""
    lived = network_month(gateways=GATEWAYS, communes=COMMUNES, troubles=TROUBLES, month=month, seed=number)
    shift = number * BOOTS_A_MONTH
    for some in _groups(lived.given.facts.gateways.values()):
        runs = [cut for one in some for run in one.runs if (cut := _clipped(run, window, shift)) is not None]
        journal = [
            _shifted(fact, shift)
            for one in some
            for fact in one.journal
            if window.start_us <= fact.at_us < window.end_us
        ]
        with database.write() as connection:
            for table, rows in (
                (heartbeat_runs, [run_row(run) for run in runs]),
                (journal_records, [journal_row(fact) for fact in journal]),
                (deliveries, [_proof(run) for run in runs]),
            ):
                if rows:  # a month that has just begun may have no journal
                    connection.execute(insert(table), rows)


def _groups(gateways: Iterable[GatewayFacts]) -> Iterator[list[GatewayFacts]]:
    listed = list(gateways)
    return (listed[at : at + AT_ONCE] for at in range(0, len(listed), AT_ONCE))


def _clipped(run: HeartbeatRun, window: Window, shift: int) -> HeartbeatRun | None:
    """Return the heartbeats of a run that lie in the window."""
    step_us = run.interval_ms * 1000
    skipped = max(0, -(-(window.start_us - run.first_at_us) // step_us))
    cut = max(0, -(-(run.last_at_us - window.end_us) // step_us))
    if skipped + cut > run.last_seq - run.first_seq:
        return None
    return replace(
        run,
        boot=run.boot + shift,
        first_seq=run.first_seq + skipped,
        last_seq=run.last_seq - cut,
        first_uptime_ms=run.first_uptime_ms + skipped * run.interval_ms,
        last_uptime_ms=run.last_uptime_ms - cut * run.interval_ms,
        first_at_us=run.first_at_us + skipped * step_us,
        last_at_us=run.last_at_us - cut * step_us,
        recorded_at_us=run.recorded_at_us - cut * step_us,
    )


def _shifted(fact: JournalFact, shift: int) -> JournalFact:
    previous = fact.previous
    if previous is not None:
        previous = msgspec.structs.replace(previous, boot=previous.boot + shift)
    return msgspec.structs.replace(fact, boot=fact.boot + shift, previous=previous)


def _proof(run: HeartbeatRun) -> dict[str, Any]:
    """Return the proof of delivery of a run's frames: soon, or ten minutes after an outage."""
    waited_us = MINUTE_US if run.lns_up else run.last_at_us - run.first_at_us + 10 * MINUTE_US
    return {
        "eui": run.eui,
        "boot": run.boot,
        "seq": run.first_seq,
        "last_seq": run.last_seq,
        "connector": run.contractual,
        "received_from_at_us": run.first_at_us,
        "received_until_at_us": run.last_at_us,
        "acked_at_us": run.first_at_us + waited_us,
        "frames": FRAMES_A_SPAN * (run.last_seq - run.first_seq + 1) // 10,
        "dropped": {},
        "recorded_at_us": run.recorded_at_us,
    }


def _rhythm(connection: Connection, end_us: int) -> None:
    """Write what every gateway tells in the same rhythm, as long as it is kept."""
    kept = Retention()
    hour, day = end_us // HOUR_US, end_us // DAY_US
    for span_s, length_us, first, last in (
        (3_600, HOUR_US, hour - kept.vitals_hours_days * 24, hour),
        (86_400, DAY_US, day - VITALS_DAYS, day - kept.vitals_hours_days),
    ):
        values = {"span_s": span_s, "length": length_us, "told": _VITALS, "first": first, "last": last}
        rows = f"SELECT eui, :span_s, n * :length, :told {_EACH}"
        connection.execute(text(f"WITH RECURSIVE {_NUMBERS} INSERT INTO vitals {rows}"), values)
    connection.execute(
        text(f"WITH RECURSIVE {_NUMBERS} INSERT INTO delivered_frames SELECT eui, n, :slots {_EACH}"),
        {"slots": _SLOTS, "first": day - kept.frames_days, "last": day},
    )
