"""Tables of the registry: communes, sites, gateways, hangings, memberships, agreements, commissioning."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from fleet.db.base import metadata

communes = Table(
    "communes",
    metadata,
    Column("insee", String(5), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("epci", String(200), nullable=False, server_default=""),
    Column("departement", String(3), nullable=False, server_default=""),
    Column("population", Integer, nullable=False, server_default="0"),
    Column("lat", Float),
    Column("lon", Float),
    Column("polygon", JSON),
)

sites = Table(
    "sites",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(64), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("commune_insee", String(5), ForeignKey("communes.insee"), nullable=False, index=True),
    Column("kind", String(20), nullable=False, server_default="other"),
    Column("owner", String(200), nullable=False, server_default=""),
    Column("address", String(300), nullable=False, server_default=""),
    Column("lat", Float),
    Column("lon", Float),
    Column("access_notes", Text, nullable=False, server_default=""),
    Column("needs", JSON, nullable=False, server_default="[]"),
    Column("power_feeder", String(100), nullable=False, server_default=""),
)

agreements = Table(
    "agreements",
    metadata,
    Column("site_id", Integer, ForeignKey("sites.id"), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("asked_on", String(10), nullable=False, server_default=""),
    Column("given_on", String(10), nullable=False, server_default=""),
    Column("reference", String(200), nullable=False, server_default=""),
)
"""Dates are ISO days (``2026-05-04``), empty when not yet."""

gateways = Table(
    "gateways",
    metadata,
    Column("eui", String(16), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("site_id", Integer, ForeignKey("sites.id"), nullable=False, index=True),
    Column("status", String(20), nullable=False, server_default="planned"),
    Column("backhaul_operator", String(100), nullable=False, server_default=""),
    Column("power_feeder", String(100), nullable=False, server_default=""),
    Column("hardware", String(100), nullable=False, server_default=""),
    Column("firmware", String(100), nullable=False, server_default=""),
    Column("antenna", String(100), nullable=False, server_default=""),
    Column("planned_on", String(10), nullable=False, server_default=""),
    Column("accepted_at_us", BigInteger),
    Column("withdrawn_at_us", BigInteger),
)
"""``site_id`` is where it hangs at present; ``power_feeder`` overrides the site's when not empty."""

hangings = Table(
    "hangings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("eui", String(16), ForeignKey("gateways.eui"), nullable=False, index=True),
    Column("site_id", Integer, ForeignKey("sites.id"), nullable=False, index=True),
    Column("from_at_us", BigInteger, nullable=False),
    Column("until_at_us", BigInteger),
)
"""Which box hung on which site, half-open; the history follows the site."""

memberships = Table(
    "memberships",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("commune_insee", String(5), ForeignKey("communes.insee"), nullable=False),
    Column("eui", String(16), ForeignKey("gateways.eui"), nullable=False, index=True),
    Column("valid_from_at_us", BigInteger, nullable=False),
    Column("valid_until_at_us", BigInteger),
    Column("approved_by", String(100), nullable=False),
    Column("recorded_at_us", BigInteger, nullable=False),
    Column("ended_at_us", BigInteger),
    UniqueConstraint("commune_insee", "eui", "valid_from_at_us"),
)
"""Which gateways serve which commune (AVAILABILITY §3); ``ended_at_us`` is when its end was recorded."""

commissioning = Table(
    "commissioning",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("eui", String(16), ForeignKey("gateways.eui"), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("recorded_at_us", BigInteger, nullable=False),
    Column("recorded_by", String(100), nullable=False),
    Column("second", String(100), nullable=False, server_default=""),
    Column("reason", String(20), nullable=False, server_default=""),
    Index("ix_commissioning_eui_at_us", "eui", "at_us"),
)
"""Facts ``accepted`` and ``withdrawn``: append-only, with who, and who agreed for which listed reason."""
