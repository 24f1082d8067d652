"""Closed months are compared with today's program once each, one a look, and a failure holds up no other."""

import zlib

import pytest
from sqlalchemy import insert, select, update

from fleet.availability import document
from fleet.broker.inbox import Inbox
from fleet.child.process import ChildFailed
from fleet.facts.settings import DEFAULTS
from fleet.months.closer import Closer
from fleet.months.comparing import AGAIN_US, comparison_of
from fleet.months.reckoner import ReckonsHere
from fleet.months.tables import month_comparisons, month_versions
from tests.unit.fleet.founded import StandingClock
from tests.unit.fleet.months.closed import CLOSED_US, MONTH, closed_by_another, closed_month

BEFORE, AFTER = "2026-09", "2026-12"


class Failing(ReckonsHere):
    """A reckoner whose child dies over some months."""

    def __init__(self, database, dies):
        super().__init__(database, DEFAULTS)
        self.dies, self.asked = dies, []

    def differences(self, month, number):
        self.asked.append(month)
        if month in self.dies:
            raise ChildFailed("ended with -9: no word")
        return super().differences(month, number)


@pytest.fixture
def database(tmp_path):
    made = closed_month(tmp_path)
    closed_by_another(made)
    with made.write() as connection:
        row = dict(connection.execute(select(month_versions)).mappings().one())
        connection.execute(insert(month_versions), [row | {"month": month} for month in (BEFORE, AFTER)])
    yield made
    made.close()


def closer_of(database, *dies):
    reckoner, clock = Failing(database, dies), StandingClock(CLOSED_US)
    closer = Closer(
        database=database, clock=clock, inbox=Inbox(), clock_is_sure=lambda: True, reckoner=reckoner
    )
    return closer, reckoner, clock


def test_one_a_look_oldest_first_and_each_once(database):
    closer, reckoner, _ = closer_of(database)
    assert [closer.compare_a_month() for _ in range(5)] == [BEFORE, MONTH, AFTER, None, None]
    assert closer_of(database)[0].compare_a_month() is None, "a restart compares nothing again"
    with database.write() as connection:
        found = comparison_of(connection, MONTH, 1)
        assert (found["differs"], found["count"], found["error"]) == (["commune 37015"], 1, "")
        connection.execute(update(month_comparisons).values(code="an older program"))
        assert comparison_of(connection, MONTH, 1) is None
    assert [closer.compare_a_month() for _ in range(4)] == [BEFORE, MONTH, AFTER, None]
    assert reckoner.asked == [BEFORE, MONTH, AFTER] * 2


def test_a_new_version_is_compared_again(database):
    closer, _, _ = closer_of(database)
    while closer.compare_a_month():
        pass
    with database.write() as connection:
        query = select(month_versions).where(month_versions.c.month == MONTH)
        row = dict(connection.execute(query).mappings().one())
        figures = row["figures"] | {"code": document.CODE}
        connection.execute(insert(month_versions).values(row | {"version": 2, "figures": figures}))
    assert [closer.compare_a_month() for _ in range(2)] == [MONTH, None]
    with database.read() as connection:
        assert comparison_of(connection, MONTH, 2)["count"] == 0


def test_after_a_child_that_died_the_next_month_is_tried_an_hour_later(database):
    closer, reckoner, clock = closer_of(database, BEFORE)
    with pytest.raises(ChildFailed):
        closer.compare_a_month()
    clock.now += AGAIN_US - 1
    assert closer.compare_a_month() is None
    clock.now += 1
    assert [closer.compare_a_month() for _ in range(2)] == [MONTH, AFTER]
    with pytest.raises(ChildFailed):
        closer.compare_a_month()
    assert reckoner.asked == [BEFORE, MONTH, AFTER, BEFORE]


def test_a_version_that_cannot_be_read_is_kept_as_such_and_not_tried_again(database):
    with database.write() as connection:
        damaged = update(month_versions).where(month_versions.c.month == BEFORE)
        connection.execute(damaged.values(facts=zlib.compress(b"{}")))
    closer, _, _ = closer_of(database)
    assert [closer.compare_a_month() for _ in range(4)] == [BEFORE, MONTH, AFTER, None]
    with database.read() as connection:
        assert "line 1" in comparison_of(connection, BEFORE, 1)["error"]
