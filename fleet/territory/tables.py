"""History of communes: what an import changed, for ever."""

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text

from fleet.db.base import metadata

commune_changes = Table(
    "commune_changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("insee", String(5), nullable=False, index=True),
    Column("kind", String(20), nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("source", String(200), nullable=False),
)
"""``kind`` is a ``fleet.territory.changes.Kind``; a merged commune keeps its row and its past."""
