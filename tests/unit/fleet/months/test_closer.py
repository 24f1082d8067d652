"""Months close by themselves, through the store: once, and again when a fact came late."""

from types import SimpleNamespace

import pytest
from sqlalchemy import insert
from structlog.testing import capture_logs

from agent.wire.messages import Radio, TimeQuality
from fleet.broker.inbox import Inbox
from fleet.durations import MINUTE_US
from fleet.evidence import store
from fleet.evidence.tables import blindness, deliveries, heartbeat_runs, journal_records, latest
from fleet.facts.model import HeartbeatRun
from fleet.facts.months import closes_at_us, month_window
from fleet.facts.settings import DEFAULTS
from fleet.months.closer import WHO, Closer
from fleet.months.closing import AGAIN_US, DAILY_US, WAIT_LIMIT_US
from fleet.months.versions import list_versions, newest_version, next_version, store_version
from tests.unit.fleet.founded import EUIS, StandingClock, founded_database, received

MONTH = "2026-10"
WINDOW = month_window(MONTH)
DUE = closes_at_us(MONTH)
HOUR = 3_600_000_000


@pytest.fixture
def bench(tmp_path):
    database = founded_database(tmp_path, now_us=WINDOW.start_us)
    with database.write() as connection:
        row = {"eui": EUIS[0], "boot": 7, "journal_seq": 1, "uptime_ms": 0, "time_quality": 2, "change": 1}
        row |= {"subject": "", "value": "", "reason": "", "at_us": WINDOW.start_us}
        connection.execute(insert(journal_records).values(row | {"recorded_at_us": WINDOW.start_us}))
    inbox, clock = Inbox(), StandingClock(DUE)
    closer = Closer(database=database, clock=clock, inbox=inbox, clock_is_sure=lambda: True)
    yield SimpleNamespace(database=database, clock=clock, closer=closer, inbox=inbox)
    database.close()


def blind(bench, start_us, recorded_at_us):
    row = {"from_at_us": start_us, "until_at_us": start_us + HOUR, "path": "broker", "reason": "away"}
    with bench.database.write() as connection:
        connection.execute(insert(blindness).values(row | {"recorded_at_us": recorded_at_us}))


def look(bench, now_us):
    bench.clock.now = now_us
    version = bench.closer.look()
    return None if version is None else (version.month, version.number)


def test_version_one_at_its_hour_and_only_once(bench):
    assert look(bench, DUE - 1) is None
    assert look(bench, DUE) == (MONTH, 1)
    assert look(bench, DUE + 60_000_000) is None
    assert look(bench, DUE + DAILY_US) is None
    with bench.database.read() as connection:
        ((month, number, closed_at_us, who, _),) = list_versions(connection)
    assert (month, number, closed_at_us, who) == (MONTH, 1, DUE, WHO)


def came(bench, messages):
    for _ in range(messages):
        bench.inbox.offer(received(EUIS[0], "health", b"x"))


def stored(bench, messages):
    assert len(bench.inbox.take(0)) >= messages
    bench.inbox.settle(messages)


def test_it_waits_for_what_came_before_it_was_due_and_for_nothing_that_came_since(bench):
    came(bench, 3)
    assert look(bench, DUE) is None
    stored(bench, 2)
    came(bench, 50)
    assert look(bench, DUE + MINUTE_US) is None
    stored(bench, 1)
    came(bench, 50)
    assert look(bench, DUE + 2 * MINUTE_US) == (MONTH, 1)


def test_a_batch_at_work_is_waited_for_too(bench):
    came(bench, 1)
    assert bench.inbox.take(0)
    assert bench.inbox.waiting == 0
    assert look(bench, DUE) is None
    bench.inbox.settle(1)
    assert look(bench, DUE + MINUTE_US) == (MONTH, 1)


def test_it_waits_no_longer_than_its_limit(bench):
    came(bench, 1)
    assert look(bench, DUE) is None
    assert look(bench, DUE + WAIT_LIMIT_US - 1) is None
    with capture_logs() as logs:
        assert look(bench, DUE + WAIT_LIMIT_US) == (MONTH, 1)
    assert next((one["event"], one.get("messages")) for one in logs) == ("month_waits_no_longer", 1)


def test_every_month_that_is_due_has_its_own_wait(bench):
    came(bench, 1)
    later = closes_at_us("2026-11")
    assert look(bench, later) is None
    stored(bench, 1)
    assert look(bench, later + MINUTE_US) == (MONTH, 1)
    came(bench, 1)
    assert look(bench, later + 2 * MINUTE_US) is None
    stored(bench, 1)
    assert look(bench, later + 3 * MINUTE_US) == ("2026-11", 1)


def test_a_late_fact_makes_version_two_that_names_it(bench):
    assert look(bench, DUE) == (MONTH, 1)
    blind(bench, WINDOW.start_us + DAILY_US, recorded_at_us=DUE + 1)
    assert look(bench, DUE + 1) is None
    assert look(bench, DUE + AGAIN_US) == (MONTH, 2)
    with bench.database.read() as connection:
        difference = newest_version(connection, MONTH).difference
    assert [fact["type"] for fact in difference["facts"]] == ["blindness"]
    assert look(bench, DUE + 3 * AGAIN_US) is None


def buffered(bench, start_us):
    """An hour in which the gateway stored what it received."""
    run = HeartbeatRun(
        eui=EUIS[0],
        boot=7,
        first_seq=1,
        last_seq=121,
        first_uptime_ms=30_000,
        last_uptime_ms=30_000 + HOUR // 1000,
        first_at_us=start_us,
        last_at_us=start_us + HOUR,
        interval_ms=30_000,
        journal_seq=1,
        radio=Radio.RECEIVING,
        contractual="lns",
        lns_up=False,
        spool_accepting=True,
        time_quality=TimeQuality.NTP,
        trusted=True,
        recorded_at_us=start_us + HOUR,
    )
    with bench.database.write() as connection:
        connection.execute(insert(heartbeat_runs).values(store.run_row(run)))
        connection.execute(insert(latest).values(eui=EUIS[0]))


def test_a_late_delivery_makes_version_two_of_the_deferred_figure_alone(bench):
    start_us = WINDOW.end_us - DAILY_US
    buffered(bench, start_us)
    assert look(bench, DUE) == (MONTH, 1)
    row = {"eui": EUIS[0], "boot": 7, "seq": 1, "connector": "lns", "frames": 9, "dropped": {}}
    row |= {"received_from_at_us": start_us, "received_until_at_us": start_us + HOUR}
    row |= {"acked_at_us": start_us + 2 * HOUR, "recorded_at_us": DUE + 1}
    with bench.database.write() as connection:
        connection.execute(insert(deliveries).values(row))
    assert look(bench, DUE + AGAIN_US) == (MONTH, 2)
    with bench.database.read() as connection:
        difference = newest_version(connection, MONTH).difference
    assert [fact["type"] for fact in difference["facts"]] == ["delivered"]
    served = difference["deferred"]["served"]
    assert served["after"] - served["before"] == 3200 * HOUR
    assert difference["whole"] == {}
    assert [sorted(one) for one in difference["communes"]] == [["deferred", "insee"]]


def test_a_fact_about_another_month_is_not_late(bench):
    assert look(bench, DUE) == (MONTH, 1)
    blind(bench, WINDOW.end_us, recorded_at_us=DUE + 1)
    assert look(bench, DUE + 2 * AGAIN_US) is None


def test_a_version_that_someone_else_stored_meanwhile_is_not_stored_twice(bench):
    with bench.database.write() as connection:
        version = next_version(connection, MONTH, DEFAULTS, now_us=DUE)
        assert store_version(connection, version, who="a", now_us=DUE) == version
        assert store_version(connection, version, who="b", now_us=DUE) is None


def test_nothing_closes_without_any_evidence(tmp_path):
    database = founded_database(tmp_path)
    assert (
        Closer(database=database, clock=StandingClock(DUE), inbox=Inbox(), clock_is_sure=lambda: True).look()
        is None
    )
    database.close()
