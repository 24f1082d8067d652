"""The schema forwards: `fleet init` and `fleet serve` bring the database to what this code needs.

A new database is made at once from the tables of the code, an older one goes through the migrations; a test
holds that both give the same.
A running fleet only goes forwards, and so that the code before still works on the new schema (new columns
have a default, nothing in use is dropped): the old process may run while the new one starts.  A database that
is newer than this code is refused, with the way back: the newer program takes the schema back (`downgrade`).
``fleet.db.revision`` writes migrations.

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
from fleet.errors import MistakeError

FOLDER = Path(__file__).parent / "migrations"
LOCK_KEY = 0x70617373
"""PostgreSQL advisory lock: two processes that start together do not migrate at once ("pass")."""


class SchemaTooNew(MistakeError):
    """The database was made by newer code; says how to go back."""


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
        if present is not None and present not in revisions(connection):
            head = script.get_current_head()
            raise SchemaTooNew(
                f"database: its schema is {present}, this program knows {head}; start the newer program,"
                f" or let it go back first: `passerelle fleet db downgrade --data DIR --to {head}`"
            )
        if present is None:
            create_tables(connection)
            command.stamp(config, "head")
        else:
            command.upgrade(config, "head")
        return str(script.get_current_head())


def migrate_from_nothing(database: Database) -> None:
    """Make the schema by the migrations alone."""
    with database.write() as connection:
        migrate_to(connection, "head")


def migrate_to(connection: Connection, revision: str) -> None:
    """Bring the schema forwards to a revision, by the migrations alone."""
    command.upgrade(alembic_config(connection), revision)


def revisions(connection: Connection) -> list[str]:
    """Return every revision that this code knows, the oldest first."""
    script = ScriptDirectory.from_config(alembic_config(connection))
    return [each.revision for each in script.walk_revisions()][::-1]


def downgrade(connection: Connection, revision: str) -> str:
    """Take the schema back to an older revision, while nothing runs on it, and return what it was.

    What the newer release alone knew is deleted with its tables and columns.

    Raises:
        MistakeError: no schema, or not a revision before its own.
    """
    known, present = revisions(connection), current(connection)
    if present is None or present not in known:
        raise MistakeError(f"database: this program cannot take back the schema {present or '(none)'}")
    if revision not in known[: known.index(present)]:
        raise MistakeError(f"--to: {revision!r} is no schema before {present}; the older program names it")
    config = alembic_config(connection)
    script = ScriptDirectory.from_config(config)
    for step in known[known.index(revision) + 1 : known.index(present) + 1]:
        if not hasattr(script.get_revision(step).module, "downgrade"):
            raise MistakeError(f"--to: there is no way back before schema {step}; restore a backup instead")
    command.downgrade(config, revision)
    return present


def missing_tables(database: Database) -> list[str]:
    """Return the tables of the code that no migration made: somebody forgot to write one."""
    load_tables()
    with database.read() as connection:
        present = set(inspect(connection).get_table_names())
    return sorted(set(metadata.tables) - present)


def tables_without(connection: Connection, column: str) -> list[str]:
    """Return the tables of the database that have no such column."""
    found = inspect(connection)
    return [
        name
        for name in found.get_table_names()
        if column not in {each["name"] for each in found.get_columns(name)}
    ]


def current(connection: Connection) -> str | None:
    """Return the revision of the database, None when it has no schema yet."""
    return MigrationContext.configure(connection).get_current_revision()


def alembic_config(connection: Connection) -> Config:
    """Return what Alembic works with: our migrations, on an open transaction."""
    config = Config(cmd_opts=Namespace(quiet=True))
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
