"""Versions that were sent although somebody would lose service; controls that restart with canaries."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    with op.batch_alter_table("configuration_versions") as batch:
        batch.add_column(sa.Column("despite", sa.Text(), server_default="", nullable=False))
    with op.batch_alter_table("rollouts") as batch:
        batch.add_column(sa.Column("controls", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Take the schema back, while nothing runs on it."""
    with op.batch_alter_table("rollouts") as batch:
        batch.drop_column("controls")
    with op.batch_alter_table("configuration_versions") as batch:
        batch.drop_column("despite")
