"""progress of journals."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    op.create_table(
        "journal_progress",
        sa.Column("eui", sa.String(length=16), nullable=False),
        sa.Column("boot", sa.BigInteger(), nullable=False),
        sa.Column("through_seq", sa.BigInteger(), nullable=False),
        sa.Column("expected_seq", sa.BigInteger(), nullable=False),
        sa.Column("gone", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("eui", "boot", name=op.f("pk_journal_progress")),
    )
    op.add_column(
        "configuration_versions", sa.Column("by_image", sa.Boolean(), server_default="0", nullable=False)
    )


def downgrade() -> None:
    """Take the schema back, while nothing runs on it."""
    op.drop_column("configuration_versions", "by_image")
    op.drop_table("journal_progress")
