"""In which minutes the LNS received uplinks through each gateway."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    op.create_table(
        "lns_heard",
        sa.Column("eui", sa.String(length=16), nullable=False),
        sa.Column("hour_at_us", sa.BigInteger(), nullable=False),
        sa.Column("minutes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("eui", "hour_at_us", name=op.f("pk_lns_heard")),
    )
    op.create_index("ix_lns_heard_hour_at_us", "lns_heard", ["hour_at_us"])


def downgrade() -> None:
    """Take the schema back, while nothing runs on it."""
    op.drop_table("lns_heard")
