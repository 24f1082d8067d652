"""Every table of the fleet, in one metadata: the ``tables`` modules of its packages."""

import importlib
from pathlib import Path

from sqlalchemy import Connection

from fleet.db.base import metadata
from fleet.db.connect import Database

FLEET = Path(__file__).parents[1]


def features() -> list[str]:
    """Return the packages of the fleet that have tables."""
    return sorted(path.parent.name for path in FLEET.glob("*/tables.py"))


def load_tables() -> None:
    """Import the tables of every feature."""
    for feature in features():
        importlib.import_module(f"fleet.{feature}.tables")


def create_schema(database: Database) -> None:
    """Create the tables that are missing."""
    with database.write() as connection:
        create_tables(connection)


def create_tables(connection: Connection) -> None:
    """Create the tables that are missing, within a transaction."""
    load_tables()
    metadata.create_all(connection)
