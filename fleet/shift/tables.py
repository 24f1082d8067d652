"""Table of the main courante."""

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text

from fleet.db.base import metadata

shift_entries = Table(
    "shift_entries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("kind", String(12), nullable=False),
    Column("text", Text, nullable=False),
    Column("settled_at_us", BigInteger),
    Column("settled_by", Text, nullable=False, default=""),
    Column("mail_key", String(64), nullable=False, default="", server_default=""),
)
"""The main courante; append-only but for settling."""
