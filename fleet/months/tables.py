"""Closed months: each version with its facts, its figures and its hash; append-only (AVAILABILITY §8)."""

from sqlalchemy import JSON, BigInteger, Column, Integer, LargeBinary, String, Table, Text

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
    Column("seal", String(64), nullable=False, server_default=""),
)
"""``facts`` is the NDJSON document, zlib-compressed; ``difference`` says what changed since the version
before and which facts caused it."""

month_snapshots = Table(
    "month_snapshots",
    metadata,
    Column("month", String(7), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("taken_at_us", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("author", String(100), nullable=False),
    Column("second", String(100), nullable=False),
    Column("reason", Text, nullable=False),
)
"""What a month stands on (``fleet.months.snapshots``): ``content`` is NDJSON, compressed; append-only."""

month_seals_mailed = Table(
    "month_seals_mailed",
    metadata,
    Column("month", String(7), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("mails", Integer, nullable=False),
)
"""Whose seal went to the contacts of the members, to how many (``fleet.paging.seals``)."""

month_timestamps = Table(
    "month_timestamps",
    metadata,
    Column("month", String(7), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("attempts", Integer, nullable=False),
    Column("tried_at_us", BigInteger, nullable=False),
    Column("authority", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("response", LargeBinary),
    Column("stamped_at_us", BigInteger),
)
"""The stamp of a version (``fleet.months.stamping``): ``response`` is the authority's answer in DER, empty
until one proves the seal; ``error`` says why the last attempt did not."""

month_comparisons = Table(
    "month_comparisons",
    metadata,
    Column("month", String(7), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("code", String(100), nullable=False),
    Column("differs", JSON, nullable=False),
    Column("count", Integer, nullable=False),
    Column("error", Text, nullable=False, server_default=""),
)
"""In what the program ``code`` would differ from a version that another closed (``fleet.months.comparing``):
the first names, and how many; ``error`` says why it could not be compared."""
