"""Tables of people and of who is on call when."""

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
)

from fleet.db.base import metadata
from fleet.db.seals import SEAL_CHARACTERS, sealed

people = Table(
    "people",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", String(254), nullable=False, unique=True),
    Column("phone", String(24), nullable=False, default=""),
    Column("language", String(2), nullable=False, default="fr"),
    Column("skills", JSON, nullable=False),
    Column("territories", JSON, nullable=False),
    Column("active", Boolean, nullable=False, default=True),
    Column("seal", String(SEAL_CHARACTERS), nullable=False, server_default=""),
    info=sealed(
        "id",
        "name",
        "email",
        "phone",
        "language",
        "skills",
        "territories",
        "active",
        named_by=("email",),
    ),
)
"""``territories``: département, EPCI or INSEE codes; empty means everywhere."""

on_call = Table(
    "on_call",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(96), nullable=False, unique=True),
    Column("person_id", ForeignKey("people.id"), nullable=False, index=True),
    Column("level", Integer, nullable=False),
    Column("from_at_us", BigInteger, nullable=False),
    Column("until_at_us", BigInteger, nullable=False),
    Column("override", Boolean, nullable=False, default=False),
    Column("seal", String(SEAL_CHARACTERS), nullable=False, server_default=""),
    info=sealed("key", "person_id", "level", "from_at_us", "until_at_us", "override", named_by=("key",)),
)
"""Fixed spans; rotations are in ``rotations`` and are unrolled when they are read."""

rotations = Table(
    "rotations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(96), nullable=False, unique=True),
    Column("level", Integer, nullable=False),
    Column("period", String(8), nullable=False),
    Column("starts_on", String(10), nullable=False),
    Column("handover", String(5), nullable=False),
    Column("person_ids", JSON, nullable=False),
    Column("holidays_person_id", Integer),
    Column("seal", String(SEAL_CHARACTERS), nullable=False, server_default=""),
    info=sealed(
        "name",
        "level",
        "period",
        "starts_on",
        "handover",
        "person_ids",
        "holidays_person_id",
        named_by=("name",),
    ),
)

plan_gaps = Table(
    "plan_gaps",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(12), nullable=False),
    Column("what", Text, nullable=False),
    Column("from_at_us", BigInteger, nullable=False),
    Column("until_at_us", BigInteger, nullable=False),
    Column("told_at_us", BigInteger, nullable=False),
)
"""Gaps of the plan that were told to its owner, so that they are told once."""
