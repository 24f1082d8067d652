"""index of events by gateway and name."""

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    op.create_index(
        "ix_notes_eui_name_recorded_at_us", "notes", ["eui", "name", "recorded_at_us"], unique=False
    )


def downgrade() -> None:
    """Take the schema back, while nothing runs on it."""
    op.drop_index("ix_notes_eui_name_recorded_at_us", table_name="notes")
