"""Table of mails that report a fault."""

from sqlalchemy import JSON, BigInteger, Column, Integer, LargeBinary, String, Table, Text

from fleet.db.base import metadata

report_mails = Table(
    "report_mails",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("sender", Text, nullable=False),
    Column("recipients", JSON, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("raw", LargeBinary),
    Column("read_at_us", BigInteger),
    Column("trouble", Text, nullable=False, default="", server_default=""),
    Column("received_at_us", BigInteger, nullable=False),
    Column("recorded_at_us", BigInteger, nullable=False),
    Column("entered_at_us", BigInteger, index=True),
    Column("ticket_id", Integer),
)
"""Mails that report a fault; ``entered_at_us`` is empty until a cycle made something of them.
``raw`` are the bytes as they came,
``read_at_us`` is empty until they were read, ``trouble`` says why they cannot be."""
