"""Tables of work orders and of the acceptances on site that end them."""

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Integer, LargeBinary, String, Table, Text

from fleet.db.base import metadata

work_orders = Table(
    "work_orders",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("site_id", Integer, ForeignKey("sites.id"), nullable=False, index=True),
    Column("eui", String(16), ForeignKey("gateways.eui"), index=True),
    Column("planned_on", String(10), nullable=False, server_default=""),
    Column("made_at_us", BigInteger, nullable=False),
    Column("made_by", String(100), nullable=False),
    Column("valid_until_at_us", BigInteger, nullable=False),
    Column("hardware", String(100), nullable=False, server_default=""),
    Column("antenna", String(100), nullable=False, server_default=""),
    Column("backhaul", String(100), nullable=False, server_default=""),
    Column("contact", String(200), nullable=False, server_default=""),
    Column("access", Text, nullable=False, server_default=""),
    Column("wanted", JSON, nullable=False),
    Column("token_id", Integer, ForeignKey("enrolment_tokens.id")),
    Column("revoked_at_us", BigInteger),
    Column("revoked_because", String(200), nullable=False, server_default=""),
)
"""``eui`` None: any box, scanned before flashing.  ``wanted``: what version 1 of its configuration is made of
(``fleet.configurations.orders.Wanted``).  Token and code are not stored: they follow from the authority.
``revoked_because``: a reason, or the number of the order that replaced it."""

acceptances = Table(
    "acceptances",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("eui", String(16), ForeignKey("gateways.eui"), nullable=False, index=True),
    Column("work_order_id", Integer, ForeignKey("work_orders.id"), nullable=False, unique=True),
    Column("record", LargeBinary, nullable=False),
    Column("record_sha256", String(64), nullable=False, unique=True),
    Column("signature_hex", String(160), nullable=False),
    Column("certificate_serial", String(40), nullable=False),
    Column("drawing", LargeBinary, nullable=False),
    Column("received_at_us", BigInteger, nullable=False),
    Column("counts_from_at_us", BigInteger, nullable=False),
)
"""``record``: the bytes that the gateway signed.
``counts_from_at_us``: since when its gateway counts."""

acceptance_photos = Table(
    "acceptance_photos",
    metadata,
    Column("acceptance_id", Integer, ForeignKey("acceptances.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("media_type", String(20), nullable=False),
    Column("content", LargeBinary, nullable=False),
)
"""Without what the camera wrote into them; the record's hashes are of the photos as they were signed."""
