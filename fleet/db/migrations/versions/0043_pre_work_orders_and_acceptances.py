"""Work orders, the acceptances that end them, and the site that a token is bound to."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    op.create_table(
        "work_orders",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("eui", sa.String(length=16), nullable=True),
        sa.Column("planned_on", sa.String(length=10), server_default="", nullable=False),
        sa.Column("made_at_us", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.String(length=100), nullable=False),
        sa.Column("valid_until_at_us", sa.BigInteger(), nullable=False),
        sa.Column("hardware", sa.String(length=100), server_default="", nullable=False),
        sa.Column("antenna", sa.String(length=100), server_default="", nullable=False),
        sa.Column("backhaul", sa.String(length=100), server_default="", nullable=False),
        sa.Column("contact", sa.String(length=200), server_default="", nullable=False),
        sa.Column("access", sa.Text(), server_default="", nullable=False),
        sa.Column("wanted", sa.JSON(), nullable=False),
        sa.Column("token_id", sa.Integer(), nullable=True),
        sa.Column("revoked_at_us", sa.BigInteger(), nullable=True),
        sa.Column("revoked_because", sa.String(length=200), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["eui"], ["gateways.eui"], name=op.f("fk_work_orders_eui_gateways")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_work_orders_site_id_sites")),
        sa.ForeignKeyConstraint(
            ["token_id"], ["enrolment_tokens.id"], name=op.f("fk_work_orders_token_id_enrolment_tokens")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_orders")),
    )
    op.create_index(op.f("ix_work_orders_eui"), "work_orders", ["eui"], unique=False)
    op.create_index(op.f("ix_work_orders_site_id"), "work_orders", ["site_id"], unique=False)
    op.create_table(
        "acceptances",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("eui", sa.String(length=16), nullable=False),
        sa.Column("work_order_id", sa.Integer(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("record_sha256", sa.String(length=64), nullable=False),
        sa.Column("signature_hex", sa.String(length=160), nullable=False),
        sa.Column("certificate_serial", sa.String(length=40), nullable=False),
        sa.Column("drawing", sa.LargeBinary(), nullable=False),
        sa.Column("received_at_us", sa.BigInteger(), nullable=False),
        sa.Column("counts_from_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["eui"], ["gateways.eui"], name=op.f("fk_acceptances_eui_gateways")),
        sa.ForeignKeyConstraint(
            ["work_order_id"], ["work_orders.id"], name=op.f("fk_acceptances_work_order_id_work_orders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acceptances")),
        sa.UniqueConstraint("record_sha256", name=op.f("uq_acceptances_record_sha256")),
        sa.UniqueConstraint("work_order_id", name=op.f("uq_acceptances_work_order_id")),
    )
    op.create_index(op.f("ix_acceptances_eui"), "acceptances", ["eui"], unique=False)
    op.create_table(
        "acceptance_photos",
        sa.Column("acceptance_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.String(length=20), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["acceptance_id"], ["acceptances.id"], name=op.f("fk_acceptance_photos_acceptance_id_acceptances")
        ),
        sa.PrimaryKeyConstraint("acceptance_id", "number", name=op.f("pk_acceptance_photos")),
    )
    op.add_column("enrolment_tokens", sa.Column("site_id", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Take the schema back, while nothing runs on it."""
    op.drop_column("enrolment_tokens", "site_id")
    op.drop_table("acceptance_photos")
    op.drop_index(op.f("ix_acceptances_eui"), table_name="acceptances")
    op.drop_table("acceptances")
    op.drop_index(op.f("ix_work_orders_site_id"), table_name="work_orders")
    op.drop_index(op.f("ix_work_orders_eui"), table_name="work_orders")
    op.drop_table("work_orders")
