"""Codes on site, and who confirms an arrival that was entered late."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    op.add_column("tickets", sa.Column("on_site_by", sa.Text(), nullable=False, server_default=""))
    op.add_column("tickets", sa.Column("on_site_entered_at_us", sa.BigInteger(), nullable=True))
    op.add_column("tickets", sa.Column("on_site_late", sa.Boolean(), nullable=False, server_default="0"))
    op.add_column("tickets", sa.Column("on_site_confirmed_by", sa.Text(), nullable=False, server_default=""))
    op.add_column("tickets", sa.Column("on_site_confirmed_at_us", sa.BigInteger(), nullable=True))
    op.create_table(
        "presence_challenges",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("eui", sa.String(length=16), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_us", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_presence_challenges_ticket_id_tickets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_presence_challenges")),
    )
    op.create_index(op.f("ix_presence_challenges_ticket_id"), "presence_challenges", ["ticket_id"])
    op.create_table(
        "presence_tries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_presence_tries_ticket_id_tickets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_presence_tries")),
    )
    op.create_index(op.f("ix_presence_tries_ticket_id"), "presence_tries", ["ticket_id"])


def downgrade() -> None:
    """Take the schema back, while nothing runs on it."""
    op.drop_table("presence_tries")
    op.drop_table("presence_challenges")
    with op.batch_alter_table("tickets") as batch:
        batch.drop_column("on_site_confirmed_at_us")
        batch.drop_column("on_site_confirmed_by")
        batch.drop_column("on_site_late")
        batch.drop_column("on_site_entered_at_us")
        batch.drop_column("on_site_by")
