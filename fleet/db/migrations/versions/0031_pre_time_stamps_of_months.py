"""Time stamps (RFC 3161) over the seals of closed months."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    op.create_table(
        "month_timestamps",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tried_at_us", sa.BigInteger(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=True),
        sa.Column("stamped_at_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("month", "version", name=op.f("pk_month_timestamps")),
    )


def downgrade() -> None:
    """Take the schema back, while nothing runs on it."""
    op.drop_table("month_timestamps")
