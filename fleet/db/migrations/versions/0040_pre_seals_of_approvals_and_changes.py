"""Seals of approvals, layers, versions and rollouts; how who approved proved it."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    op.add_column(
        "approvals", sa.Column("decided_session", sa.String(length=64), server_default="", nullable=False)
    )
    op.add_column(
        "approvals", sa.Column("decided_proof", sa.String(length=32), server_default="", nullable=False)
    )
    op.add_column("approvals", sa.Column("seal", sa.String(length=81), server_default="", nullable=False))
    op.add_column(
        "configuration_layers", sa.Column("seal", sa.String(length=81), server_default="", nullable=False)
    )
    op.add_column(
        "configuration_versions", sa.Column("seal", sa.String(length=81), server_default="", nullable=False)
    )
    op.add_column("rollouts", sa.Column("seal", sa.String(length=81), server_default="", nullable=False))


def downgrade() -> None:
    """Take the schema back, while nothing runs on it."""
    op.drop_column("rollouts", "seal")
    op.drop_column("configuration_versions", "seal")
    op.drop_column("configuration_layers", "seal")
    op.drop_column("approvals", "seal")
    op.drop_column("approvals", "decided_proof")
    op.drop_column("approvals", "decided_session")
