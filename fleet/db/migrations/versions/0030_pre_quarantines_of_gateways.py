"""quarantines of gateways."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    op.create_table(
        "quarantines",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("eui", sa.String(length=16), nullable=False),
        sa.Column("began_at_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_at_us", sa.BigInteger(), nullable=True),
        sa.Column("budget", sa.String(length=64), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("beyond_at_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_by", sa.String(length=100), nullable=False),
        sa.Column("recorded_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantines")),
    )
    op.create_index(op.f("ix_quarantines_eui"), "quarantines", ["eui"], unique=False)


def downgrade() -> None:
    """Take the schema back, while nothing runs on it."""
    op.drop_index(op.f("ix_quarantines_eui"), table_name="quarantines")
    op.drop_table("quarantines")
