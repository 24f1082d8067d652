"""Revocations that the broker is proved to apply, and the key whose renewal retired a certificate."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    with op.batch_alter_table("certificates") as table:
        table.add_column(sa.Column("replaced_by_sha256", sa.String(length=64), nullable=True))
        table.add_column(sa.Column("enforced_at_us", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Take the schema back, while nothing runs on it."""
    with op.batch_alter_table("certificates") as table:
        table.drop_column("enforced_at_us")
        table.drop_column("replaced_by_sha256")
