"""Tables of ``fleet.configurations``."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    op.create_table(
        "configuration_versions",
        sa.Column("eui", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_us", sa.BigInteger(), nullable=False),
        sa.Column("issued_by", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("published", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("confirmed_at_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("eui", "version", name=op.f("pk_configuration_versions")),
    )
    op.create_table(
        "reported_configurations",
        sa.Column("eui", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("seen_version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("eui", name=op.f("pk_reported_configurations")),
    )
    op.create_table(
        "words",
        sa.Column("eui", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at_us", sa.BigInteger(), nullable=False),
        sa.Column("published", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("replied_at_us", sa.BigInteger(), nullable=True),
        sa.Column("reply_ok", sa.Boolean(), nullable=True),
        sa.Column("reply_text", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("eui", "kind", "version", name=op.f("pk_words")),
    )
    op.create_index("ix_words_published", "words", ["published"], unique=False)
