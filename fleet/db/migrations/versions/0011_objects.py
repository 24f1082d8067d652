"""Tables of ``fleet.objects``."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    op.create_table(
        "objects",
        sa.Column("dev_eui", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("serial_number", sa.String(length=100), nullable=False),
        sa.Column("reference", sa.String(length=100), server_default="", nullable=False),
        sa.Column("equipment", sa.String(length=200), server_default="", nullable=False),
        sa.Column("address", sa.String(length=300), server_default="", nullable=False),
        sa.Column("geolocation", sa.String(length=20), nullable=False),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("group_name", sa.String(length=100), server_default="VLN", nullable=False),
        sa.Column("offer", sa.String(length=100), server_default="", nullable=False),
        sa.Column("class_name", sa.String(length=1), nullable=False),
        sa.Column("app_eui", sa.String(length=16), server_default="", nullable=False),
        sa.Column("object_type", sa.String(length=200), server_default="", nullable=False),
        sa.Column("imported_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("dev_eui", name=op.f("pk_objects")),
    )
