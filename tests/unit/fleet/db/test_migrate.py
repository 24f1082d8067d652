import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, inspect, select, text

from fleet.db.base import metadata
from fleet.db.connect import Database, sqlite_url
from fleet.db.migrate import (
    SchemaTooNew,
    current,
    downgrade,
    migrate_from_nothing,
    missing_tables,
    revisions,
    upgrade,
)
from fleet.errors import MistakeError
from fleet.registry.tables import communes
from tests.unit.fleet.founded import empty_database


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    database = Database(sqlite_url(tmp_path_factory.mktemp("migrated") / "fleet.db"))
    migrate_from_nothing(database)
    return database


def test_the_migrations_make_the_tables_of_the_code(migrated):
    assert missing_tables(migrated) == []
    with migrated.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_upgrading_again_changes_nothing(migrated):
    with migrated.write() as connection:
        before = current(connection)
        connection.execute(insert(communes).values(insee="37281", name="Vouvray"))
    assert upgrade(migrated) == before
    with migrated.read() as connection:
        assert connection.scalar(select(communes.c.name)) == "Vouvray"


def test_a_newer_schema_is_refused(tmp_path):
    database = Database(sqlite_url(tmp_path / "fleet.db"))
    with database.write() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('9999')"))
    with database.read() as connection:
        known = revisions(connection)[-1]
    with pytest.raises(SchemaTooNew, match=f"9999.*fleet db downgrade .*--to {known}"):
        upgrade(database)


def test_the_newest_schema_goes_back_one_and_forwards_again(tmp_path):
    database = Database(sqlite_url(tmp_path / "fleet.db"))
    migrate_from_nothing(database)
    with database.write() as connection:
        connection.execute(insert(communes).values(insee="37281", name="Vouvray"))
        known = revisions(connection)
        assert downgrade(connection, known[-2]) == known[-1]
        assert current(connection) == known[-2]
    assert upgrade(database) == known[-1]
    assert missing_tables(database) == []
    with database.read() as connection:
        assert connection.scalar(select(communes.c.name)) == "Vouvray"


@pytest.mark.parametrize(("to", "why"), [("9999", "no schema before"), ("0001", "no way back before")])
def test_a_way_back_that_is_not_there_is_refused(tmp_path, to, why):
    database = Database(sqlite_url(tmp_path / "fleet.db"))
    migrate_from_nothing(database)
    with database.write() as connection, pytest.raises(MistakeError, match=why):
        downgrade(connection, to)
    with database.write() as connection:
        newest = revisions(connection)[-1]
        with pytest.raises(MistakeError, match="no schema before"):
            downgrade(connection, newest)
        assert current(connection) == newest


def test_a_database_without_schema_is_not_taken_back(tmp_path):
    database = Database(sqlite_url(tmp_path / "fleet.db"))
    with database.write() as connection, pytest.raises(MistakeError, match="cannot take back"):
        downgrade(connection, "0001")


def test_a_schema_made_at_once_takes_its_place(tmp_path):
    database = empty_database(tmp_path)
    upgrade(database)
    with database.read() as connection:
        assert current(connection) is not None
        assert inspect(connection).has_table("communes")
