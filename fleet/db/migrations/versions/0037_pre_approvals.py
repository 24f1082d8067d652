"""Requests and their decisions, the seal of each gateway's way back, and what was revoked."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    op.add_column(
        "rollout_gateways", sa.Column("back_seal", sa.String(length=64), nullable=False, server_default="")
    )
    op.add_column("configuration_versions", sa.Column("revoked_at_us", sa.BigInteger(), nullable=True))
    op.add_column("rollouts", sa.Column("revoked_at_us", sa.BigInteger(), nullable=True))
    op.create_table(
        "approvals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("author", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_at_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_us", sa.BigInteger(), nullable=False),
        sa.Column("needs_second", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("decided_by", sa.String(length=100), server_default="", nullable=False),
        sa.Column("decided_at_us", sa.BigInteger(), nullable=True),
        sa.Column("decided_why", sa.Text(), server_default="", nullable=False),
        sa.Column("due_at_us", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("asked_seal", sa.String(length=64), nullable=False),
        sa.Column("decided_seal", sa.String(length=64), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
    )
    op.create_index(op.f("ix_approvals_state"), "approvals", ["state"])
    op.create_index(op.f("ix_approvals_subject"), "approvals", ["subject"])


def downgrade() -> None:
    """Take the schema back, while nothing runs on it."""
    op.drop_table("approvals")
    with op.batch_alter_table("rollouts") as batch:
        batch.drop_column("revoked_at_us")
    with op.batch_alter_table("configuration_versions") as batch:
        batch.drop_column("revoked_at_us")
    with op.batch_alter_table("rollout_gateways") as batch:
        batch.drop_column("back_seal")
