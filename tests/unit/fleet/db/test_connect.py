import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from fleet.db.connect import COMMITS_KEPT, SLOW_COMMIT_US, Database, DatabaseUrlError
from fleet.db.upsert import insert_new, upsert
from fleet.evidence.tables import counters
from fleet.registry.tables import sites
from tests.unit.fleet.founded import empty_database


def test_sqlite_writes_ahead_and_checks_foreign_keys(tmp_path):
    database = empty_database(tmp_path)
    with database.read() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
    with pytest.raises(IntegrityError), database.write() as connection:
        connection.execute(insert(sites).values(key="a", name="A", commune_insee="00000"))


def test_a_write_that_fails_leaves_nothing(tmp_path):
    database = empty_database(tmp_path)

    rows = [{"name": "a", "value": 1}, {"name": "a", "value": 2}]
    with pytest.raises(IntegrityError), database.write() as connection:
        connection.execute(insert(counters), rows)
    with database.read() as connection:
        assert connection.execute(select(counters)).all() == []


def test_insert_new_counts_only_what_is_new(tmp_path):
    database = empty_database(tmp_path)
    rows = [{"name": name, "value": 1} for name in "ab"]
    with database.write() as connection:
        assert insert_new(connection, counters, rows) == 2
        assert insert_new(connection, counters, [*rows, {"name": "c", "value": 2}]) == 1
        assert insert_new(connection, counters, []) == 0


def test_upsert_replaces_what_the_rows_name(tmp_path):
    database = empty_database(tmp_path)
    with database.write() as connection:
        upsert(connection, counters, [{"name": "a", "value": 1}], key=("name",))
        upsert(connection, counters, [{"name": "a", "value": 5}], key=("name",))
        upsert(connection, counters, [], key=("name",))
        assert connection.execute(select(counters)).all() == [("a", 5)]


@pytest.mark.parametrize("url", ["mysql://h/d", "nonsense", ""])
def test_another_database_is_refused(url):
    with pytest.raises(DatabaseUrlError, match="database"):
        Database(url)


def test_a_disk_is_slow_while_every_one_of_its_newest_commits_is(tmp_path):
    database = empty_database(tmp_path)
    database.commits_us.extend([SLOW_COMMIT_US + 1] * COMMITS_KEPT)
    assert database.slow_commit_us == SLOW_COMMIT_US + 1
    with database.write() as connection:
        connection.execute(insert(counters).values(name="a", value=1))
    assert database.slow_commit_us == 0
