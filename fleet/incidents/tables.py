"""Tables of incidents, their members and what was known when."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from fleet.db.base import metadata

incidents = Table(
    "incidents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("state", String(8), nullable=False, index=True),
    Column("domain", String(12), nullable=False),
    Column("value", Text, nullable=False),
    Column("proved", String(16), nullable=False, server_default="none"),
    Column("criticality", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("communes", JSON, nullable=False),
    Column("began_at_us", BigInteger, nullable=False),
    Column("opened_at_us", BigInteger, nullable=False),
    Column("ended_at_us", BigInteger),
    Column("merged_into", Integer),
)
"""``communes``: INSEE codes that the criticality speaks of, the largest first."""

incident_findings = Table(
    "incident_findings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("incident_id", ForeignKey("incidents.id"), nullable=False, index=True),
    Column("at_us", BigInteger, nullable=False),
    Column("domain", String(12), nullable=False),
    Column("value", Text, nullable=False),
    Column("proved", String(16), nullable=False),
    Column("criticality", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("communes", JSON, nullable=False),
)
"""Append-only: cause, criticality and reach as known from ``at_us`` on; ``incidents`` has the newest."""

incident_gateways = Table(
    "incident_gateways",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("incident_id", ForeignKey("incidents.id"), nullable=False, index=True),
    Column("eui", String(16), nullable=False, index=True),
    Column("since_us", BigInteger, nullable=False),
    Column("restored_us", BigInteger),
    UniqueConstraint("incident_id", "eui"),
)

incident_events = Table(
    "incident_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("incident_id", ForeignKey("incidents.id"), nullable=False, index=True),
    Column("at_us", BigInteger, nullable=False),
    Column("recorded_at_us", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("detail", JSON, nullable=False),
)
"""Append-only: what was known when."""

pulses = Table(
    "pulses",
    metadata,
    Column("subject", String(24), primary_key=True),
    Column("lost", Boolean, nullable=False),
)
"""How each gateway (its EUI) and commune (``commune/INSEE``) stood at the last cycle."""

pulse_edges = Table(
    "pulse_edges",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subject", String(24), nullable=False, index=True),
    Column("at_us", BigInteger, nullable=False, index=True),
    Column("lost", Boolean, nullable=False),
)
"""Losses and returns, confirmed or not, of the last hours."""
