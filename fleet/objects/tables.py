"""Objects of the members; there is no column for a key."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Index, Integer, String, Table, Text

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
    Column("commune_insee", String(5), nullable=False, server_default=""),
    Column("epci", String(100), nullable=False, server_default="", index=True),
    Column("imported_at_us", BigInteger, nullable=False),
)
"""One row an object; the sheet's name is its type.  Commune and EPCI are empty where they are not known."""

object_months = Table(
    "object_months",
    metadata,
    Column("month", String(7), primary_key=True),
    Column("dev_eui", String(16), primary_key=True),
    Column("days", BigInteger, nullable=False),
    Column("heard_at_us", BigInteger, nullable=False),
    Column("frames", BigInteger, nullable=False, server_default="0"),
    Column("frames_redundant", BigInteger, nullable=False, server_default="0"),
    Index("ix_object_months_heard_at_us", "heard_at_us"),
)
"""Days of Paris on which the LNS heard an object (bit 0: the 1st), when last, how many frames of the month,
and how many of them two gateways or more heard; nothing else."""


def _month_so_far() -> tuple[Column[int], ...]:
    """Return the columns of what a month came to up to and with a day."""
    return (
        Column("heard_month", Integer, nullable=False, server_default="0"),
        Column("frames", BigInteger, nullable=False, server_default="0"),
        Column("frames_redundant", BigInteger, nullable=False, server_default="0"),
    )


lns_heard = Table(
    "lns_heard",
    metadata,
    Column("eui", String(16), primary_key=True),
    Column("hour_at_us", BigInteger, primary_key=True),
    Column("minutes", BigInteger, nullable=False),
    Index("ix_lns_heard_hour_at_us", "hour_at_us"),
)
"""In which minutes of an hour UTC the LNS received uplinks through a gateway (bit 0: the first)."""

connectivity_days = Table(
    "connectivity_days",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("objects", Integer, nullable=False),
    Column("heard", Integer, nullable=False),
    Column("heard_fortnight", Integer, nullable=False),
    *_month_so_far(),
    Column("events", Boolean, nullable=False),
    Column("addresses_by_gateways", JSON, nullable=False),
    Column("counted_at_us", BigInteger, nullable=False),
)
"""The counts of a day that is over; no address in it, so that it outlives them.

``addresses_by_gateways``: how many addresses exactly so many gateways heard (day of the sketches, UTC)."""

connectivity_members = Table(
    "connectivity_members",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("epci", String(100), primary_key=True),
    Column("objects", Integer, nullable=False),
    Column("heard", Integer, nullable=False),
    Column("heard_fortnight", Integer, nullable=False),
    *_month_so_far(),
)
"""The same counts for the objects of each EPCI; none for those whose EPCI is not known."""

coverage_months = Table(
    "coverage_months",
    metadata,
    Column("month", String(7), primary_key=True),
    Column("first_day", String(10), nullable=False),
    Column("last_day", String(10), nullable=False),
    Column("sensors", Integer, nullable=False),
)
"""From which days (UTC, both included) the coverers of a month's sensors were taken."""

month_coverages = Table(
    "month_coverages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("month", String(7), nullable=False, index=True),
    Column("commune_insee", String(5), nullable=False),
    Column("euis", Text, nullable=False),
    Column("sensors", Integer, nullable=False),
)
"""How many sensors of a commune exactly these gateways hear (sorted, joined by commas); no address in it."""
