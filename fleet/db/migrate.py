"""The schema forwards: `fleet init` and `fleet serve` bring the database to what this code needs.

A new database is made at once from the tables of the code, an older one goes through the migrations; a test
holds that both give the same.
A running fleet only goes forwards, and so that the code before still works on the new schema (new columns
have a default, nothing in use is dropped): the old process may run while the new one starts.  A database that
is newer than this code is refused.  ``fleet.db.revision`` writes migrations.

Sources: Alembic, "Using Alembic with an existing connection"; STYLE "change rules for a running fleet".
"""

from argparse import Namespace
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from fleet.db.base import metadata
from fleet.db.connect import Database
from fleet.db.schema import create_tables, load_tables

FOLDER = Path(__file__).parent / "migrations"
LOCK_KEY = 0x70617373
"""PostgreSQL advisory lock: two processes that start together do not migrate at once ("pass")."""


class SchemaTooNew(RuntimeError):
    """The database was made by newer code; names both revisions."""


def upgrade(database: Database) -> str:
    """Bring the schema to the newest revision and return it.

    Raises:
        SchemaTooNew: the database has a revision that this code does not know.
    """
    with database.write() as connection:
        if database.dialect == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        config = alembic_config(connection)
        script = ScriptDirectory.from_config(config)
        present = current(connection)
        if present is not None and present not in {one.revision for one in script.walk_revisions()}:
            head = script.get_current_head()
            raise SchemaTooNew(f"database: its schema is {present}, newer than {head}; upgrade the program")
        if present is None:
            create_tables(connection)
            command.stamp(config, "head")
        else:
            command.upgrade(config, "head")
        return str(script.get_current_head())


def migrate_from_nothing(database: Database) -> None:
    """Make the schema by the migrations alone."""
    with database.write() as connection:
        command.upgrade(alembic_config(connection), "head")


def missing_tables(database: Database) -> list[str]:
    """Return the tables of the code that no migration made: somebody forgot to write one."""
    load_tables()
    with database.read() as connection:
        present = set(inspect(connection).get_table_names())
    return sorted(set(metadata.tables) - present)


def current(connection: Connection) -> str | None:
    """Return the revision of the database, None when it has no schema yet."""
    return MigrationContext.configure(connection).get_current_revision()


def alembic_config(connection: Connection) -> Config:
    """Return what Alembic works with: our migrations, on an open transaction."""
    config = Config(cmd_opts=Namespace(quiet=True))
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
