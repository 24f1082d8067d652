"""Every table of the fleet, in one metadata; a feature's ``tables`` module is named here once."""

import importlib
import importlib.util

from sqlalchemy import Connection

from fleet.db.base import metadata
from fleet.db.connect import Database

FEATURES = (
    "registry",
    "evidence",
    "availability",
    "configurations",
    "identity",
    "live",
    "incidents",
    "tickets",
    "oncall",
    "notify",
    "territory",
    "reports",
    "objects",
)


def load_tables() -> None:
    """Import the tables of every feature that has some."""
    for feature in FEATURES:
        package = importlib.util.find_spec(f"fleet.{feature}")
        if package is not None and importlib.util.find_spec(f"fleet.{feature}.tables") is not None:
            importlib.import_module(f"fleet.{feature}.tables")


def create_schema(database: Database) -> None:
    """Create the tables that are missing."""
    with database.write() as connection:
        create_tables(connection)


def create_tables(connection: Connection) -> None:
    """Create the tables that are missing, within a transaction."""
    load_tables()
    metadata.create_all(connection)
