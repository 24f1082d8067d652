"""Ways to the evidence of one gateway and of one window."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    op.create_index(
        "ix_journal_records_eui_recorded_at_us", "journal_records", ["eui", "recorded_at_us"], unique=False
    )
    op.create_index(
        "ix_deliveries_received_until_at_us", "deliveries", ["received_until_at_us"], unique=False
    )
    op.create_index("ix_deliveries_recorded_at_us", "deliveries", ["recorded_at_us"], unique=False)
