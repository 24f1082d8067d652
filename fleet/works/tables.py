"""Table of the notices about planned works."""

from sqlalchemy import BigInteger, Column, Integer, String, Table

from fleet.db.base import metadata

works_notices = Table(
    "works_notices",
    metadata,
    Column("works_id", Integer, primary_key=True),
    Column("key", String(12), primary_key=True),
    Column("at_us", BigInteger, nullable=False),
)
"""Which planned works were told to the EPCI concerned."""
