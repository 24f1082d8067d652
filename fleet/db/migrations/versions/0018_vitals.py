"""Health details by hour and day; ways to what retention deletes."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    op.create_table(
        "vitals",
        sa.Column("eui", sa.String(length=16), nullable=False),
        sa.Column("span_s", sa.Integer(), nullable=False),
        sa.Column("from_at_us", sa.BigInteger(), nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("eui", "span_s", "from_at_us", name=op.f("pk_vitals")),
    )
    op.create_index("ix_vitals_span_s_from_at_us", "vitals", ["span_s", "from_at_us"], unique=False)
    op.create_index("ix_heard_recorded_at_us", "heard", ["recorded_at_us"], unique=False)
    op.create_index("ix_notes_recorded_at_us", "notes", ["recorded_at_us"], unique=False)
