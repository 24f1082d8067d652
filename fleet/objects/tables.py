"""Objects of the members; there is no column for a key."""

from sqlalchemy import BigInteger, Column, Float, Index, String, Table

from fleet.db.base import metadata

objects = Table(
    "objects",
    metadata,
    Column("dev_eui", String(16), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("serial_number", String(100), nullable=False),
    Column("reference", String(100), nullable=False, server_default=""),
    Column("equipment", String(200), nullable=False, server_default=""),
    Column("address", String(300), nullable=False, server_default=""),
    Column("geolocation", String(20), nullable=False),
    Column("lat", Float),
    Column("lon", Float),
    Column("status", String(12), nullable=False),
    Column("group_name", String(100), nullable=False, server_default="VLN"),
    Column("offer", String(100), nullable=False, server_default=""),
    Column("class_name", String(1), nullable=False),
    Column("app_eui", String(16), nullable=False, server_default=""),
    Column("object_type", String(200), nullable=False, server_default=""),
    Column("imported_at_us", BigInteger, nullable=False),
)
"""One row an object; the sheet's name is its type."""

object_days = Table(
    "object_days",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("dev_eui", String(16), primary_key=True),
    Column("heard_at_us", BigInteger, nullable=False),
    Index("ix_object_days_heard_at_us", "heard_at_us"),
)
"""Days of Paris on which the LNS heard an object, and when last; nothing else of what it said."""
