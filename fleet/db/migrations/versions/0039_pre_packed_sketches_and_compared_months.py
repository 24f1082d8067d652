"""Days of sketches packed by gateway; how closed months compare with the program of today."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    op.create_table(
        "heard_packed",
        sa.Column("eui", sa.String(length=16), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("addresses", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("eui", "day", name=op.f("pk_heard_packed")),
    )
    op.create_index("ix_heard_packed_day", "heard_packed", ["day"], unique=False)
    op.create_table(
        "month_comparisons",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("differs", sa.JSON(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("month", "version", name=op.f("pk_month_comparisons")),
    )


def downgrade() -> None:
    """Take the schema back, while nothing runs on it."""
    op.drop_table("month_comparisons")
    op.drop_index("ix_heard_packed_day", table_name="heard_packed")
    op.drop_table("heard_packed")
