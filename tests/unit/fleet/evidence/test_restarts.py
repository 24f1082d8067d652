from contextlib import closing

import pytest
from sqlalchemy import insert

from fleet.durations import HOUR_US
from fleet.evidence import restarts
from fleet.evidence.facts import LAST_CYCLE, mark
from fleet.evidence.tables import blindness
from tests.unit.fleet.founded import NOW_US, empty_database

MINUTE = 60_000_000


@pytest.fixture
def connection(tmp_path):
    with closing(empty_database(tmp_path)) as database, database.write() as found:
        yield found


def live(connection, at_us, *, stops):
    """Start, run a cycle, and end in good order or not; return whether a crash was noted."""
    noted = restarts.note_start(connection, at_us)
    mark(connection, LAST_CYCLE, at_us + 1)
    if stops:
        restarts.note_stop(connection, at_us + 2)
    return noted


def test_only_an_end_that_nobody_asked_for_counts(connection):
    assert not live(connection, NOW_US, stops=True)
    assert not live(connection, NOW_US + MINUTE, stops=False)
    assert live(connection, NOW_US + 2 * MINUTE, stops=True)
    assert not live(connection, NOW_US + 3 * MINUTE, stops=True)
    assert restarts.crashes_since(connection, NOW_US) == 1


def test_crashes_are_counted_from_an_instant_on_and_the_oldest_give_way(connection):
    count = 2 * restarts.CRASHES_KEPT
    for number in range(count):
        live(connection, NOW_US + number * MINUTE, stops=False)
    end_us = NOW_US + (count - 1) * MINUTE
    assert restarts.crashes_since(connection, end_us - 4 * MINUTE) == 5
    assert restarts.crashes_since(connection, 0) == restarts.CRASHES_KEPT


def test_a_process_that_ends_before_its_first_cycle_is_seen_too(connection):
    live(connection, NOW_US, stops=False)
    assert restarts.note_start(connection, NOW_US + 1)
    assert restarts.note_start(connection, NOW_US + 2)
    assert restarts.crashes_since(connection, NOW_US) == 2


def test_blindness_is_told_once_for_what_overlaps(connection):
    rows = [
        (-3 * HOUR_US, -2 * HOUR_US),
        (-HOUR_US, -30 * MINUTE),
        (-40 * MINUTE, -20 * MINUTE),
        (-5 * MINUTE, None),
    ]
    for start_us, end_us in rows:
        until_us = None if end_us is None else NOW_US + end_us
        row = {"from_at_us": NOW_US + start_us, "until_at_us": until_us, "path": "broker", "reason": ""}
        connection.execute(insert(blindness).values(row | {"recorded_at_us": NOW_US}))
    assert restarts.blind_us(connection, NOW_US - 150 * MINUTE, NOW_US) == (30 + 40 + 5) * MINUTE
    assert restarts.blind_us(connection, NOW_US + 1, NOW_US + MINUTE) == MINUTE - 1
