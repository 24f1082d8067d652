"""The table of requests and their decisions."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Integer, String, Table, Text

from fleet.db.base import metadata

approvals = Table(
    "approvals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("subject", String(64), nullable=False, index=True),
    Column("content", JSON, nullable=False),
    Column("author", String(100), nullable=False),
    Column("reason", Text, nullable=False),
    Column("asked_at_us", BigInteger, nullable=False),
    Column("expires_at_us", BigInteger, nullable=False),
    Column("needs_second", Boolean, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("decided_by", String(100), nullable=False, server_default=""),
    Column("decided_at_us", BigInteger),
    Column("decided_why", Text, nullable=False, server_default=""),
    Column("due_at_us", BigInteger),
    Column("outcome", Text, nullable=False, server_default=""),
    Column("asked_seal", String(64), nullable=False),
    Column("decided_seal", String(64), nullable=False, server_default=""),
)
"""The seals are made with a key that is not here (``fleet.approvals.model``)."""
