"""Tables of configurations: every version that was ever signed, and what each gateway reports."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text

from fleet.db.base import metadata
from fleet.db.seals import SEAL_CHARACTERS, sealed

configuration_versions = Table(
    "configuration_versions",
    metadata,
    Column("eui", String(16), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    Column("issued_at_us", BigInteger, nullable=False),
    Column("expires_at_us", BigInteger, nullable=False),
    Column("issued_by", String(100), nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("published", Boolean, nullable=False, server_default="0"),
    Column("confirmed_at_us", BigInteger),
    Column("by_image", Boolean, nullable=False, server_default="0"),
    Column("despite", Text, nullable=False, server_default=""),
    Column("revoked_at_us", BigInteger),
    Column("seal", String(SEAL_CHARACTERS), nullable=False, server_default=""),
    info=sealed("eui", "version", "sha256", "revoked_at_us", named_by=("eui", "version"), watched=False),
)
"""The highest version of an EUI is what is desired; ``published``: the broker has it (retained), or a work
order carries it (``by_image``); ``despite``: why a person sent it although somebody would lose service."""

configuration_layers = Table(
    "configuration_layers",
    metadata,
    Column("scope", String(12), primary_key=True),
    Column("subject", String(200), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("settings", JSON, nullable=False),
    Column("who", String(100), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("seal", String(SEAL_CHARACTERS), nullable=False, server_default=""),
    info=sealed(
        "scope", "subject", "version", "settings", "who", "at_us", "reason", named_by=("scope", "subject")
    ),
)
"""Append-only: what each layer says, version by version; ``settings``: path → value with its variables."""

WAITS = configuration_versions.c.published.is_(False) & configuration_versions.c.revoked_at_us.is_(None)
"""The condition on a version that the broker does not have yet and may get."""

instructions = Table(
    "words",
    metadata,
    Column("eui", String(16), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("envelope", LargeBinary, nullable=False),
    Column("issued_at_us", BigInteger, nullable=False),
    Column("published", Boolean, nullable=False, server_default="0"),
    Column("replied_at_us", BigInteger),
    Column("reply_ok", Boolean),
    Column("reply_text", Text, nullable=False, server_default=""),
    Index("ix_words_published", "published"),
)
"""Signed words besides configurations (confirmations, commands, permits): the outbox of ``command/{id}``."""
