"""Needs of a site, gaps of the on-call plan that were told, spare parts."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    op.add_column("sites", sa.Column("needs", sa.JSON(), server_default="[]", nullable=False))
    op.create_table(
        "plan_gaps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("from_at_us", sa.BigInteger(), nullable=False),
        sa.Column("until_at_us", sa.BigInteger(), nullable=False),
        sa.Column("told_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_gaps")),
    )
    op.create_table(
        "spare_parts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("depot", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("low_limit", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spare_parts")),
        sa.UniqueConstraint("depot", "name", name=op.f("uq_spare_parts_depot_name")),
    )
    op.create_table(
        "part_moves",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("part_id", sa.Integer(), nullable=False),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=True),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["part_id"], ["spare_parts.id"], name=op.f("fk_part_moves_part_id_spare_parts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_part_moves")),
    )
    op.create_index(op.f("ix_part_moves_part_id"), "part_moves", ["part_id"], unique=False)
    op.create_index(op.f("ix_part_moves_ticket_id"), "part_moves", ["ticket_id"], unique=False)
