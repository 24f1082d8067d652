"""Table of mails that report a fault."""

from sqlalchemy import JSON, BigInteger, Column, Integer, String, Table, Text

from fleet.db.base import metadata

report_mails = Table(
    "report_mails",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("sender", Text, nullable=False),
    Column("recipients", JSON, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("received_at_us", BigInteger, nullable=False),
    Column("recorded_at_us", BigInteger, nullable=False),
    Column("entered_at_us", BigInteger, index=True),
    Column("ticket_id", Integer),
)
"""Mails that report a fault; ``entered_at_us`` is empty until a cycle made something of them."""
