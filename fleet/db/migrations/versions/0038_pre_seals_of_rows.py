"""Seals of accounts, tokens, sessions and duty; who gave an account its password."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    op.add_column("api_tokens", sa.Column("seal", sa.String(length=81), server_default="", nullable=False))
    op.add_column("on_call", sa.Column("seal", sa.String(length=81), server_default="", nullable=False))
    op.add_column("people", sa.Column("seal", sa.String(length=81), server_default="", nullable=False))
    op.add_column("rotations", sa.Column("seal", sa.String(length=81), server_default="", nullable=False))
    op.add_column("sessions", sa.Column("seal", sa.String(length=81), server_default="", nullable=False))
    op.add_column("users", sa.Column("set_by", sa.String(length=100), server_default="", nullable=False))
    op.add_column("users", sa.Column("seal", sa.String(length=81), server_default="", nullable=False))


def downgrade() -> None:
    """Take the schema back, while nothing runs on it."""
    op.drop_column("users", "seal")
    op.drop_column("users", "set_by")
    op.drop_column("sessions", "seal")
    op.drop_column("rotations", "seal")
    op.drop_column("people", "seal")
    op.drop_column("on_call", "seal")
    op.drop_column("api_tokens", "seal")
