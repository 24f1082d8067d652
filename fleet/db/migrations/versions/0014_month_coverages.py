"""Which gateways hear the sensors of a commune, frozen for a month."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    op.create_table(
        "month_coverages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("commune_insee", sa.String(length=5), nullable=False),
        sa.Column("euis", sa.Text(), nullable=False),
        sa.Column("sensors", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_month_coverages")),
    )
    op.create_index("ix_month_coverages_month", "month_coverages", ["month"], unique=False)
    op.create_table(
        "coverage_months",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("first_day", sa.String(length=10), nullable=False),
        sa.Column("last_day", sa.String(length=10), nullable=False),
        sa.Column("sensors", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_coverage_months")),
    )
