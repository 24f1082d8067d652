"""Tables of tickets, their audit trail, pauses, links and timers."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from fleet.db.base import metadata

tickets = Table(
    "tickets",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("incident_id", Integer, nullable=True, index=True),
    Column("origin", String(16), nullable=False),
    Column("title", Text, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("criticality", String(16), nullable=False),
    Column("worst_criticality", String(16), nullable=False, server_default="MINOR"),
    Column("resolution_limit_us", BigInteger, nullable=False),
    Column("began_at_us", BigInteger, nullable=False),
    Column("reported_at_us", BigInteger, nullable=False),
    Column("acknowledged_at_us", BigInteger),
    Column("acknowledged_by", Text, nullable=False, default=""),
    Column("en_route_at_us", BigInteger),
    Column("on_site_at_us", BigInteger),
    Column("on_site_proof", String(32), nullable=False, default=""),
    Column("on_site_by", Text, nullable=False, server_default=""),
    Column("on_site_entered_at_us", BigInteger),
    Column("on_site_late", Boolean, nullable=False, server_default="0"),
    Column("on_site_confirmed_by", Text, nullable=False, server_default=""),
    Column("on_site_confirmed_at_us", BigInteger),
    Column("restored_at_us", BigInteger),
    Column("closed_at_us", BigInteger),
    Column("merged_into", Integer),
    Column("site_id", Integer),
    Column("commune_insee", String(5), nullable=False, default=""),
    Column("caller", Text, nullable=False, default=""),
    Column("progress_at_us", BigInteger),
    Column("report", JSON),
)

ticket_pauses = Table(
    "ticket_pauses",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ticket_id", ForeignKey("tickets.id"), nullable=False, index=True),
    Column("from_us", BigInteger, nullable=False),
    Column("until_us", BigInteger),
    Column("reason", String(32), nullable=False),
    Column("who", Text, nullable=False),
    Column("note", Text, nullable=False, default=""),
)

ticket_events = Table(
    "ticket_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ticket_id", ForeignKey("tickets.id"), nullable=False, index=True),
    Column("at_us", BigInteger, nullable=False),
    Column("recorded_at_us", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("who", Text, nullable=False),
    Column("via", String(16), nullable=False),
    Column("detail", JSON, nullable=False),
)
"""Append-only: what happened, when, when we learnt of it, who did it and through what."""

ticket_links = Table(
    "ticket_links",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("ticket_id", ForeignKey("tickets.id"), nullable=False, index=True),
    Column("person_id", Integer),
    Column("who", Text, nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Column("expires_at_us", BigInteger, nullable=False),
    Column("used_at_us", BigInteger),
)
"""Acknowledge links: only the SHA-256 of the token is here."""

ticket_attachments = Table(
    "ticket_attachments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ticket_id", ForeignKey("tickets.id"), nullable=False, index=True),
    Column("name", String(80), nullable=False),
    Column("media_type", String(32), nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("who", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
"""Photos, stripped of what the camera wrote about place and person."""

ticket_steps = Table(
    "ticket_steps",
    metadata,
    Column("ticket_id", ForeignKey("tickets.id"), primary_key=True),
    Column("key", String(80), primary_key=True),
    Column("at_us", BigInteger, nullable=False),
)
"""Idempotency keys of steps that phones send again after a bad connection."""

presence_challenges = Table(
    "presence_challenges",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ticket_id", ForeignKey("tickets.id"), nullable=False, index=True),
    Column("eui", String(16), nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at_us", BigInteger, nullable=False),
    Column("expires_at_us", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
)
"""Codes that gateways were asked to show: an HMAC of each, with a secret that is not here."""

presence_tries = Table(
    "presence_tries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ticket_id", ForeignKey("tickets.id"), nullable=False, index=True),
    Column("who", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
)
"""Codes that were wrong: who typed them, and when."""

spare_parts = Table(
    "spare_parts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("depot", String(80), nullable=False),
    Column("name", String(120), nullable=False),
    Column("low_limit", Integer, nullable=False, default=0),
    UniqueConstraint("depot", "name"),
)
"""What lies where, and below how many somebody must order."""

part_moves = Table(
    "part_moves",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("part_id", ForeignKey("spare_parts.id"), nullable=False, index=True),
    Column("change", Integer, nullable=False),
    Column("ticket_id", Integer, index=True),
    Column("who", Text, nullable=False),
    Column("note", Text, nullable=False, default=""),
    Column("at_us", BigInteger, nullable=False),
)
"""Append-only: deliveries, counts and what tickets took; the stock is their sum."""

timers = Table(
    "timers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(96), nullable=False, unique=True),
    Column("kind", String(24), nullable=False),
    Column("subject_id", Integer, nullable=False),
    Column("due_at_us", BigInteger, nullable=False),
    Column("detail", JSON, nullable=False),
    Column("done_at_us", BigInteger),
)
Index(
    "ix_timers_due",
    timers.c.due_at_us,
    sqlite_where=text("done_at_us IS NULL"),
    postgresql_where=text("done_at_us IS NULL"),
)
