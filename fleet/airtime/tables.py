"""The table of surveys of the air."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table

from fleet.db.base import metadata

air_surveys = Table(
    "air_surveys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
"""The newest survey (``fleet.airtime.survey``), the only one that is kept."""
