"""Losses that the fleet suspects a change of ours of."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    with op.batch_alter_table("statements") as batch:
        batch.add_column(sa.Column("suspected", sa.Boolean(), server_default="0", nullable=False))


def downgrade() -> None:
    """Take the schema back, while nothing runs on it."""
    with op.batch_alter_table("statements") as batch:
        batch.drop_column("suspected")
