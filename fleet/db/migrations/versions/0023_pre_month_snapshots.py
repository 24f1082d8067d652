"""Snapshots of months; who withdrew works and gateways, when, and who agreed."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

TABLES = ("maintenances", "commissioning", "memberships")


def _added(table: str) -> tuple[sa.Column[Any], ...]:
    match table:
        case "maintenances":
            return (
                sa.Column("withdrawn_at_us", sa.BigInteger(), nullable=True),
                sa.Column("withdrawn_by", sa.String(length=100), server_default="", nullable=False),
            )
        case "commissioning":
            return (
                sa.Column("second", sa.String(length=100), server_default="", nullable=False),
                sa.Column("reason", sa.String(length=20), server_default="", nullable=False),
            )
        case _:
            return (sa.Column("ended_at_us", sa.BigInteger(), nullable=True),)


def upgrade() -> None:
    """Bring the schema forwards."""
    for table in TABLES:
        with op.batch_alter_table(table) as batch:
            for column in _added(table):
                batch.add_column(column)
    op.create_table(
        "month_snapshots",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("taken_at_us", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("author", sa.String(length=100), nullable=False),
        sa.Column("second", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("month", "version", name=op.f("pk_month_snapshots")),
    )


def downgrade() -> None:
    """Take the schema back, while nothing runs on it."""
    op.drop_table("month_snapshots")
    for table in TABLES:
        with op.batch_alter_table(table) as batch:
            for column in _added(table):
                batch.drop_column(column.name)
