"""rollouts and their gateways."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    op.create_table(
        "rollouts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("waves", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("wave", sa.Integer(), nullable=False),
        sa.Column("wave_state", sa.String(length=16), nullable=False),
        sa.Column("wave_since_us", sa.BigInteger(), nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.Column("back_from_wave", sa.Integer(), server_default="0", nullable=False),
        sa.Column("halted_why", sa.Text(), server_default="", nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("looked_at_us", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("judgement", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollouts")),
    )
    op.create_index(op.f("ix_rollouts_state"), "rollouts", ["state"], unique=False)
    op.create_table(
        "rollout_gateways",
        sa.Column("rollout_id", sa.Integer(), nullable=False),
        sa.Column("eui", sa.String(length=16), nullable=False),
        sa.Column("wave", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=16), nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("base_version", sa.Integer(), nullable=False),
        sa.Column("hold", sa.String(length=16), server_default="", nullable=False),
        sa.Column("failure", sa.String(length=16), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("forgiven", sa.Boolean(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollouts.id"], name=op.f("fk_rollout_gateways_rollout_id_rollouts")
        ),
        sa.PrimaryKeyConstraint("rollout_id", "eui", name=op.f("pk_rollout_gateways")),
    )
    op.create_index("ix_rollout_gateways_eui", "rollout_gateways", ["eui"], unique=False)


def downgrade() -> None:
    """Take the schema back, while nothing runs on it."""
    op.drop_index("ix_rollout_gateways_eui", table_name="rollout_gateways")
    op.drop_table("rollout_gateways")
    op.drop_index(op.f("ix_rollouts_state"), table_name="rollouts")
    op.drop_table("rollouts")
