"""Days on which the LNS heard an object."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    op.create_table(
        "object_days",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("dev_eui", sa.String(length=16), nullable=False),
        sa.Column("heard_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "dev_eui", name=op.f("pk_object_days")),
    )
    op.create_index("ix_object_days_heard_at_us", "object_days", ["heard_at_us"], unique=False)
