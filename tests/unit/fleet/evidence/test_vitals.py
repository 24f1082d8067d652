"""Health details by hour, by day, then gone: what was measured is never counted twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from fleet.db.upsert import write
from fleet.durations import DAY_US, HOUR_US
from fleet.evidence.tables import vitals
from fleet.evidence.vitals import DAY_S, HOUR_S, added, fold_days, merged, rows_of, sums_of
from fleet.lang.paris import paris_us
from fleet.retention import Retention, sweep
from tests.unit.fleet.founded import EUIS, empty_database, heartbeat

EUI = EUIS[0]
HOUR = paris_us(2026, 11, 18, 9)


def one(value):
    return {"temperature_c": [1, value, value, value]}


def rows(connection):
    query = select(vitals.c.span_s, vitals.c.from_at_us, vitals.c.told).order_by(vitals.c.from_at_us)
    return [tuple(row) for row in connection.execute(query)]


def add(connection, sums):
    write(connection, (added(connection, sums),))


@pytest.fixture
def database(tmp_path):
    found = empty_database(tmp_path)
    yield found
    found.close()


def test_an_hour_is_summed_over_batches(database):
    for temperatures in ((20, 30), (10,)):
        beats = [(EUI, heartbeat(1, temperature_c=value), HOUR + 5) for value in temperatures]
        with database.write() as connection:
            write(connection, (rows_of(connection, [*beats, (EUI, heartbeat(1), HOUR)]),))
    with database.read() as connection:
        assert rows(connection) == [
            (HOUR_S, HOUR, {"temperature_c": [3, 60, 10, 30], "spool_records": [3, 0, 0, 0]})
        ]


def test_an_hour_begins_with_a_row_of_its_own():
    beats = [(EUI, heartbeat(1, cpu_percent=7), at_us) for at_us in (HOUR + HOUR_US - 1, HOUR + HOUR_US)]
    assert sums_of(beats) == {
        (EUI, HOUR_S, HOUR): {"cpu_percent": [1, 7, 7, 7], "spool_records": [1, 0, 0, 0]},
        (EUI, HOUR_S, HOUR + HOUR_US): {"cpu_percent": [1, 7, 7, 7], "spool_records": [1, 0, 0, 0]},
    }


def test_old_hours_become_days_of_paris_and_old_days_go(database):
    midnight = paris_us(2026, 11, 18)
    told = {(EUI, HOUR_S, midnight + hour * HOUR_US): one(hour) for hour in (-1, 0, 23)}
    now_us = midnight + 31 * DAY_US
    with database.write() as connection:
        add(connection, told | {(EUI, HOUR_S, now_us): one(50)})
        assert sweep(connection, Retention(), now_us)["vitals_folded"] == 3
        assert sweep(connection, Retention(), now_us)["vitals_folded"] == 0
        assert rows(connection) == [
            (DAY_S, midnight - DAY_US, one(-1)),
            (DAY_S, midnight, {"temperature_c": [2, 23, 0, 23]}),
            (HOUR_S, now_us, one(50)),
        ]
        assert sweep(connection, Retention(), midnight + 730 * DAY_US)["vitals"] == 1


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_folding_is_bounded_and_the_next_goes_on(database, limit):
    midnight = paris_us(2026, 11, 18)
    with database.write() as connection:
        add(connection, {(EUI, HOUR_S, midnight + hour * HOUR_US): one(hour) for hour in range(3)})
        folded = [fold_days(connection, midnight + DAY_US, limit=limit) for _ in range(3)]
        assert folded[0] == min(3, limit)
        assert sum(folded) == 3
        assert rows(connection) == [(DAY_S, midnight, {"temperature_c": [3, 3, 0, 2]})]


sums = st.dictionaries(st.sampled_from(("a", "b")), st.lists(st.integers(0, 99), min_size=4, max_size=4))


@given(sums, sums, sums)
def test_the_order_of_merging_does_not_matter(first, second, third):
    assert merged(merged(first, second), third) == merged(merged(third, first), second)
