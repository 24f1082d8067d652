"""Events of our own clock."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    op.create_table(
        "clock_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.String(length=16), nullable=False),
        sa.Column("quality", sa.String(length=16), nullable=False),
        sa.Column("difference_us", sa.BigInteger(), nullable=False),
        sa.Column("shift_us", sa.BigInteger(), nullable=False),
        sa.Column("from_at_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock_events")),
    )


def downgrade() -> None:
    """Take the schema back, while nothing runs on it."""
    op.drop_table("clock_events")
