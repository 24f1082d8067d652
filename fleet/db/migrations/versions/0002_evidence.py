"""Tables of ``fleet.evidence``."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    op.create_table(
        "blindness",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("from_at_us", sa.BigInteger(), nullable=False),
        sa.Column("until_at_us", sa.BigInteger(), nullable=True),
        sa.Column("path", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blindness")),
    )
    op.create_index(op.f("ix_blindness_from_at_us"), "blindness", ["from_at_us"], unique=False)
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "deliveries",
        sa.Column("eui", sa.String(length=16), nullable=False),
        sa.Column("boot", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("connector", sa.String(length=32), nullable=False),
        sa.Column("received_from_at_us", sa.BigInteger(), nullable=False),
        sa.Column("received_until_at_us", sa.BigInteger(), nullable=False),
        sa.Column("acked_at_us", sa.BigInteger(), nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.JSON(), nullable=False),
        sa.Column("recorded_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("eui", "boot", "seq", name=op.f("pk_deliveries")),
    )
    op.create_table(
        "heard",
        sa.Column("eui", sa.String(length=16), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("address", sa.String(length=16), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("best_rssi_dbm", sa.Integer(), nullable=False),
        sa.Column("best_snr_db", sa.Float(), nullable=False),
        sa.Column("lowest_sf", sa.Integer(), nullable=False),
        sa.Column("recorded_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("eui", "day", "address", name=op.f("pk_heard")),
    )
    op.create_index("ix_heard_day", "heard", ["day"], unique=False)
    op.create_table(
        "heartbeat_runs",
        sa.Column("eui", sa.String(length=16), nullable=False),
        sa.Column("boot", sa.BigInteger(), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("first_uptime_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_uptime_ms", sa.BigInteger(), nullable=False),
        sa.Column("first_at_us", sa.BigInteger(), nullable=False),
        sa.Column("last_at_us", sa.BigInteger(), nullable=False),
        sa.Column("interval_ms", sa.Integer(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("radio", sa.Integer(), nullable=False),
        sa.Column("contractual", sa.String(length=32), nullable=False),
        sa.Column("lns_up", sa.Boolean(), nullable=False),
        sa.Column("spool_accepting", sa.Boolean(), nullable=False),
        sa.Column("time_quality", sa.Integer(), nullable=False),
        sa.Column("trusted", sa.Boolean(), nullable=False),
        sa.Column("recorded_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("eui", "boot", "first_seq", name=op.f("pk_heartbeat_runs")),
    )
    op.create_index("ix_heartbeat_runs_eui_last_at_us", "heartbeat_runs", ["eui", "last_at_us"], unique=False)
    op.create_index("ix_heartbeat_runs_last_at_us", "heartbeat_runs", ["last_at_us"], unique=False)
    op.create_table(
        "journal_records",
        sa.Column("eui", sa.String(length=16), nullable=False),
        sa.Column("boot", sa.BigInteger(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("uptime_ms", sa.BigInteger(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("time_quality", sa.Integer(), nullable=False),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=True),
        sa.Column("previous_boot", sa.BigInteger(), nullable=True),
        sa.Column("previous_uptime_ms", sa.BigInteger(), nullable=True),
        sa.Column("previous_at_us", sa.BigInteger(), nullable=True),
        sa.Column("previous_time_quality", sa.Integer(), nullable=True),
        sa.Column("previous_clean", sa.Boolean(), nullable=True),
        sa.Column("previous_journal_seq", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("eui", "boot", "journal_seq", name=op.f("pk_journal_records")),
    )
    op.create_index("ix_journal_records_recorded_at_us", "journal_records", ["recorded_at_us"], unique=False)
    op.create_table(
        "latest",
        sa.Column("eui", sa.String(length=16), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=True),
        sa.Column("presence_boot", sa.BigInteger(), nullable=True),
        sa.Column("presence_at_us", sa.BigInteger(), nullable=True),
        sa.Column("heartbeat", sa.LargeBinary(), nullable=True),
        sa.Column("heartbeat_at_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("eui", name=op.f("pk_latest")),
    )
    op.create_table(
        "maintenances",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("euis", sa.JSON(), nullable=False),
        sa.Column("from_at_us", sa.BigInteger(), nullable=False),
        sa.Column("until_at_us", sa.BigInteger(), nullable=False),
        sa.Column("announced_at_us", sa.BigInteger(), nullable=False),
        sa.Column("approved_by", sa.String(length=100), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("withdrawn", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("recorded_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_maintenances")),
    )
    op.create_index(op.f("ix_maintenances_until_at_us"), "maintenances", ["until_at_us"], unique=False)
    op.create_table(
        "marks",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_marks")),
    )
    op.create_table(
        "notes",
        sa.Column("eui", sa.String(length=16), nullable=False),
        sa.Column("boot", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("recorded_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("eui", "boot", "seq", name=op.f("pk_notes")),
    )
    op.create_table(
        "presence_edges",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("eui", sa.String(length=16), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("boot", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_presence_edges")),
    )
    op.create_index(op.f("ix_presence_edges_eui"), "presence_edges", ["eui"], unique=False)
    op.create_index(
        op.f("ix_presence_edges_recorded_at_us"), "presence_edges", ["recorded_at_us"], unique=False
    )
    op.create_table(
        "refused_messages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("payload_bytes", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refused_messages")),
    )
    op.create_table(
        "statements",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("eui", sa.String(length=16), nullable=False),
        sa.Column("from_at_us", sa.BigInteger(), nullable=False),
        sa.Column("until_at_us", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(length=16), nullable=False),
        sa.Column("responsible", sa.String(length=100), server_default="", nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("recorded_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statements")),
    )
    op.create_index(op.f("ix_statements_eui"), "statements", ["eui"], unique=False)
