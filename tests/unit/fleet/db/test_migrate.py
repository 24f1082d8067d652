import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, inspect, select, text

from fleet.db.base import metadata
from fleet.db.connect import Database, sqlite_url
from fleet.db.migrate import SchemaTooNew, current, migrate_from_nothing, missing_tables, upgrade
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
    with pytest.raises(SchemaTooNew, match="9999"):
        upgrade(database)


def test_a_schema_made_at_once_takes_its_place(tmp_path):
    database = empty_database(tmp_path)
    upgrade(database)
    with database.read() as connection:
        assert current(connection) is not None
        assert inspect(connection).has_table("communes")
