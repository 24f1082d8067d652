"""Settings in layers, and what a rollout of a layer changes on each gateway."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    op.create_table(
        "configuration_layers",
        sa.Column("scope", sa.String(length=12), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "subject", "version", name=op.f("pk_configuration_layers")),
    )
    with op.batch_alter_table("rollout_gateways") as batch:
        batch.add_column(sa.Column("changes", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Take the schema back, while nothing runs on it."""
    with op.batch_alter_table("rollout_gateways") as batch:
        batch.drop_column("changes")
    op.drop_table("configuration_layers")
