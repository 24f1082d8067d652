"""Tables of rollouts, and of each gateway's way through them."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from fleet.db.base import metadata
from fleet.db.seals import SEAL_CHARACTERS, sealed

rollouts = Table(
    "rollouts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("changes", JSON, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("waves", JSON, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("wave", Integer, nullable=False),
    Column("wave_state", String(16), nullable=False),
    Column("wave_since_us", BigInteger, nullable=False),
    Column("since_us", BigInteger, nullable=False),
    Column("back_from_wave", Integer, nullable=False, server_default="0"),
    Column("halted_why", Text, nullable=False, server_default=""),
    Column("created_by", String(100), nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Column("looked_at_us", BigInteger, nullable=False, server_default="0"),
    Column("judgement", JSON),
    Column("controls", JSON),
    Column("revoked_at_us", BigInteger),
    Column("seal", String(SEAL_CHARACTERS), nullable=False, server_default=""),
    info=sealed("id", "created_by", "created_at_us", "controls", "revoked_at_us", named_by=("id",)),
)
"""``changes``: path → value; ``controls``: who restarts with the canaries; ``judgement``: what the
measurements said last, metric by metric."""

rollout_gateways = Table(
    "rollout_gateways",
    metadata,
    Column("rollout_id", ForeignKey("rollouts.id"), primary_key=True),
    Column("eui", String(16), primary_key=True),
    Column("wave", Integer, nullable=False),
    Column("step", String(16), nullable=False),
    Column("since_us", BigInteger, nullable=False),
    Column("version", Integer),
    Column("base_version", Integer, nullable=False),
    Column("back_seal", String(64), nullable=False, server_default=""),
    Column("hold", String(16), nullable=False, server_default=""),
    Column("failure", String(16), nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Column("forgiven", Boolean, nullable=False, server_default="0"),
    Column("changes", JSON),
    Index("ix_rollout_gateways_eui", "eui"),
)
"""``base_version``: what the gateway ran before, and goes back to; ``changes``: its own, in place of the
rollout's; ``version``: what was issued last."""
