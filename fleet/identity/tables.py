"""Tables of identity: enrolment tokens, certificates, people, their sessions, the audit log."""

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Integer, LargeBinary, String, Table, Text

from fleet.db.base import metadata
from fleet.db.seals import SEAL_CHARACTERS, sealed

enrolment_tokens = Table(
    "enrolment_tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("eui", String(16), nullable=False, index=True),
    Column("derived_key", LargeBinary, nullable=False, unique=True),
    Column("created_at_us", BigInteger, nullable=False),
    Column("created_by", String(100), nullable=False),
    Column("valid_until_at_us", BigInteger, nullable=False),
    Column("used_at_us", BigInteger),
    Column("used_serial", String(40)),
    Column("revoked_at_us", BigInteger),
    Column("site_id", Integer),
)
"""The token itself is never stored (``agent.wire.enrolment``); its derived key is sealed (``enrolments``).
``site_id``: where the box must hang when it enrols; None: anywhere."""

certificates = Table(
    "certificates",
    metadata,
    Column("serial", String(40), primary_key=True),
    Column("eui", String(16), nullable=False, index=True),
    Column("public_key_sha256", String(64), nullable=False),
    Column("certificate_pem", Text, nullable=False),
    Column("issued_at_us", BigInteger, nullable=False),
    Column("not_after_at_us", BigInteger, nullable=False),
    Column("revoked_at_us", BigInteger),
    Column("revoked_because", Text, nullable=False, server_default=""),
    Column("replaced_by_sha256", String(64)),
    Column("enforced_at_us", BigInteger),
)
"""``replaced_by_sha256``: the key whose renewal revoked this one.  ``enforced_at_us``: since when the broker
is proved to keep a revoked one out; None while it is not."""

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("role", String(20), nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Column("disabled_at_us", BigInteger),
    Column("territories", JSON, nullable=False, server_default="[]"),
    Column("totp_sealed", Text),
    Column("totp_step", BigInteger),
    Column("set_by", String(100), nullable=False, server_default=""),
    Column("seal", String(SEAL_CHARACTERS), nullable=False, server_default=""),
    info=sealed(
        "name",
        "password_hash",
        "role",
        "territories",
        "disabled_at_us",
        "totp_sealed",
        "set_by",
        named_by=("name",),
    ),
)
"""``territories``: INSEE codes, EPCI, départements; empty: everywhere.  ``totp_step``: the last code used.
``set_by``: who gave it its password; empty: before this was kept."""

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("key_sha256", String(64), nullable=False, unique=True),
    Column("scopes", JSON, nullable=False),
    Column("territories", JSON, nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Column("created_by", String(100), nullable=False),
    Column("expires_at_us", BigInteger, nullable=False),
    Column("revoked_at_us", BigInteger),
    Column("used_at_us", BigInteger),
    Column("seal", String(SEAL_CHARACTERS), nullable=False, server_default=""),
    info=sealed(
        "name",
        "key_sha256",
        "scopes",
        "territories",
        "expires_at_us",
        "revoked_at_us",
        named_by=("name",),
    ),
)
"""Tokens of machines; the token itself is never stored."""

sessions = Table(
    "sessions",
    metadata,
    Column("key_sha256", String(64), primary_key=True),
    Column("user_id", Integer, ForeignKey("users.id"), nullable=False, index=True),
    Column("csrf_token", String(64), nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Column("expires_at_us", BigInteger, nullable=False),
    Column("seal", String(SEAL_CHARACTERS), nullable=False, server_default=""),
    info=sealed("key_sha256", "user_id", "csrf_token", "expires_at_us", named_by=("user_id",)),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at_us", BigInteger, nullable=False, index=True),
    Column("who", String(100), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(200), nullable=False, index=True),
    Column("before", JSON),
    Column("after", JSON),
)
"""Every write by a person or a machine: who, what, on what, from what to what."""
