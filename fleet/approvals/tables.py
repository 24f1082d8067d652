"""The table of requests and their decisions."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Integer, String, Table, Text

from fleet.db.base import metadata
from fleet.db.seals import SEAL_CHARACTERS, sealed

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
    Column("decided_session", String(64), nullable=False, server_default=""),
    Column("decided_proof", String(32), nullable=False, server_default=""),
    Column("seal", String(SEAL_CHARACTERS), nullable=False, server_default=""),
    info=sealed(
        "id",
        "kind",
        "subject",
        "content",
        "author",
        "reason",
        "asked_at_us",
        "expires_at_us",
        "needs_second",
        "state",
        "decided_by",
        "decided_at_us",
        "decided_why",
        "decided_session",
        "decided_proof",
        "due_at_us",
        "outcome",
        named_by=("id",),
    ),
)
"""``asked_seal``, ``decided_seal``: made in the act (``fleet.approvals.model``); ``seal`` holds the row
as it stands, so that what is over does not begin again.  ``decided_session``: digest of the session that
approved; ``decided_proof``: with what its person proved who they are."""
