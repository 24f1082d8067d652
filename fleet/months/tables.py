"""Closed months: each version with its facts, its figures and its hash; append-only (AVAILABILITY §8)."""

from sqlalchemy import JSON, BigInteger, Column, Integer, LargeBinary, String, Table

from fleet.db.base import metadata

month_versions = Table(
    "month_versions",
    metadata,
    Column("month", String(7), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("closed_at_us", BigInteger, nullable=False),
    Column("closed_by", String(100), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("facts", LargeBinary, nullable=False),
    Column("figures", JSON, nullable=False),
    Column("difference", JSON, nullable=False),
)
"""``facts`` is the NDJSON document, zlib-compressed; ``difference`` says what changed since the version
before and which facts caused it."""
