"""Objects carry commune and EPCI; frames by how many gateways heard them; counts of each member's objects."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

MONTH_SO_FAR: tuple[tuple[str, type[sa.Integer]], ...] = (
    ("heard_month", sa.Integer),
    ("frames", sa.BigInteger),
    ("frames_redundant", sa.BigInteger),
)


def upgrade() -> None:
    """Bring the schema forwards."""
    with op.batch_alter_table("objects") as table:
        table.add_column(sa.Column("commune_insee", sa.String(5), nullable=False, server_default=""))
        table.add_column(sa.Column("epci", sa.String(100), nullable=False, server_default=""))
        table.create_index("ix_objects_epci", ["epci"])
    with op.batch_alter_table("object_months") as table:
        for name, kind in MONTH_SO_FAR[1:]:
            table.add_column(sa.Column(name, kind(), nullable=False, server_default="0"))
    with op.batch_alter_table("connectivity_days") as table:
        for name, kind in MONTH_SO_FAR:
            table.add_column(sa.Column(name, kind(), nullable=False, server_default="0"))
    op.create_table(
        "connectivity_members",
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("epci", sa.String(100), primary_key=True),
        sa.Column("objects", sa.Integer(), nullable=False),
        sa.Column("heard", sa.Integer(), nullable=False),
        sa.Column("heard_fortnight", sa.Integer(), nullable=False),
        *(sa.Column(name, kind(), nullable=False, server_default="0") for name, kind in MONTH_SO_FAR),
    )


def downgrade() -> None:
    """Take the schema back, while nothing runs on it."""
    op.drop_table("connectivity_members")
    with op.batch_alter_table("connectivity_days") as table:
        for name, _ in MONTH_SO_FAR:
            table.drop_column(name)
    with op.batch_alter_table("object_months") as table:
        for name, _ in MONTH_SO_FAR[1:]:
            table.drop_column(name)
    with op.batch_alter_table("objects") as table:
        table.drop_index("ix_objects_epci")
        table.drop_column("epci")
        table.drop_column("commune_insee")
