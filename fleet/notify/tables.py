"""The outbox: messages written in the transaction of what they tell, sent by the worker."""

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from fleet.db.base import metadata

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(128), nullable=False, unique=True),
    Column("channel", String(16), nullable=False),
    Column("address", Text, nullable=False),
    Column("person_id", Integer),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("html", Text, nullable=False, default=""),
    Column("detail", JSON, nullable=False),
    Column("state", String(12), nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Column("due_at_us", BigInteger, nullable=False),
    Column("leased_by", String(64), nullable=False, default=""),
    Column("leased_until_us", BigInteger, nullable=False, default=0),
    Column("attempts", Integer, nullable=False, default=0),
    Column("error", Text, nullable=False, default=""),
    Column("sent_at_us", BigInteger),
    Column("delivered_at_us", BigInteger),
    Column("provider_id", String(128), nullable=False, default="", index=True),
    Index("ix_outbox_due", "state", "due_at_us"),
)
"""``key`` is the idempotency key: it is the Message-ID of a mail and the ``Idempotency-Key`` of a request."""

outbox_tickets = Table(
    "outbox_tickets",
    metadata,
    Column("outbox_id", ForeignKey("outbox.id"), primary_key=True),
    Column("ticket_id", Integer, primary_key=True, index=True),
)
"""Which tickets a message speaks of: several when it is a bundle."""

delivery_attempts = Table(
    "delivery_attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("outbox_id", ForeignKey("outbox.id"), nullable=False, index=True),
    Column("at_us", BigInteger, nullable=False),
    Column("outcome", String(12), nullable=False),
    Column("error", Text, nullable=False, default=""),
)

channels = Table(
    "notify_channels",
    metadata,
    Column("channel", String(16), primary_key=True),
    Column("since_at_us", BigInteger, nullable=False),
)
"""Ways that the sending process is set up for; what is not here gets no rows."""
