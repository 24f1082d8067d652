"""The seal of a closed month, and which of them was mailed to the members."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    with op.batch_alter_table("month_versions") as table:
        table.add_column(sa.Column("seal", sa.String(length=64), server_default="", nullable=False))
    op.create_table(
        "month_seals_mailed",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("mails", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("month", "version", name=op.f("pk_month_seals_mailed")),
    )


def downgrade() -> None:
    """Take the schema back, while nothing runs on it."""
    op.drop_table("month_seals_mailed")
    with op.batch_alter_table("month_versions") as table:
        table.drop_column("seal")
