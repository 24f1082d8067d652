"""Days on which the LNS heard an object, a bit each; the counts of each day, without addresses."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    op.create_table(
        "object_months",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("dev_eui", sa.String(length=16), nullable=False),
        sa.Column("days", sa.BigInteger(), nullable=False),
        sa.Column("heard_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("month", "dev_eui", name=op.f("pk_object_months")),
    )
    op.create_index("ix_object_months_heard_at_us", "object_months", ["heard_at_us"], unique=False)
    op.create_table(
        "connectivity_days",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("objects", sa.Integer(), nullable=False),
        sa.Column("heard", sa.Integer(), nullable=False),
        sa.Column("heard_fortnight", sa.Integer(), nullable=False),
        sa.Column("events", sa.Boolean(), nullable=False),
        sa.Column("addresses_by_gateways", sa.JSON(), nullable=False),
        sa.Column("counted_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_connectivity_days")),
    )
