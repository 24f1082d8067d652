"""Every table of the fleet, in one metadata; a feature's ``tables`` module is named here once."""

import importlib

from sqlalchemy import Connection

from fleet.db.base import metadata
from fleet.db.connect import Database

FEATURES = (
    "registry",
    "evidence",
    "months",
    "configurations",
    "identity",
    "incidents",
    "tickets",
    "shift",
    "oncall",
    "notify",
    "intake",
    "works",
    "territory",
    "objects",
)


def load_tables() -> None:
    """Import the tables of every feature."""
    for feature in FEATURES:
        importlib.import_module(f"fleet.{feature}.tables")


def create_schema(database: Database) -> None:
    """Create the tables that are missing."""
    with database.write() as connection:
        create_tables(connection)


def create_tables(connection: Connection) -> None:
    """Create the tables that are missing, within a transaction."""
    load_tables()
    metadata.create_all(connection)
