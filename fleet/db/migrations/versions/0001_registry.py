"""Tables of ``fleet.registry``."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    op.create_table(
        "communes",
        sa.Column("insee", sa.String(length=5), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("epci", sa.String(length=200), server_default="", nullable=False),
        sa.Column("departement", sa.String(length=3), server_default="", nullable=False),
        sa.Column("population", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("polygon", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("insee", name=op.f("pk_communes")),
    )
    op.create_table(
        "sites",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("commune_insee", sa.String(length=5), nullable=False),
        sa.Column("kind", sa.String(length=20), server_default="other", nullable=False),
        sa.Column("owner", sa.String(length=200), server_default="", nullable=False),
        sa.Column("address", sa.String(length=300), server_default="", nullable=False),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("access_notes", sa.Text(), server_default="", nullable=False),
        sa.Column("power_feeder", sa.String(length=100), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["commune_insee"], ["communes.insee"], name=op.f("fk_sites_commune_insee_communes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sites")),
        sa.UniqueConstraint("key", name=op.f("uq_sites_key")),
    )
    op.create_index(op.f("ix_sites_commune_insee"), "sites", ["commune_insee"], unique=False)
    op.create_table(
        "agreements",
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("asked_on", sa.String(length=10), server_default="", nullable=False),
        sa.Column("given_on", sa.String(length=10), server_default="", nullable=False),
        sa.Column("reference", sa.String(length=200), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_agreements_site_id_sites")),
        sa.PrimaryKeyConstraint("site_id", "kind", name=op.f("pk_agreements")),
    )
    op.create_table(
        "gateways",
        sa.Column("eui", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), server_default="planned", nullable=False),
        sa.Column("backhaul_operator", sa.String(length=100), server_default="", nullable=False),
        sa.Column("power_feeder", sa.String(length=100), server_default="", nullable=False),
        sa.Column("hardware", sa.String(length=100), server_default="", nullable=False),
        sa.Column("firmware", sa.String(length=100), server_default="", nullable=False),
        sa.Column("antenna", sa.String(length=100), server_default="", nullable=False),
        sa.Column("planned_on", sa.String(length=10), server_default="", nullable=False),
        sa.Column("accepted_at_us", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_gateways_site_id_sites")),
        sa.PrimaryKeyConstraint("eui", name=op.f("pk_gateways")),
    )
    op.create_index(op.f("ix_gateways_site_id"), "gateways", ["site_id"], unique=False)
    op.create_table(
        "commissioning",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("eui", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at_us", sa.BigInteger(), nullable=False),
        sa.Column("recorded_by", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["eui"], ["gateways.eui"], name=op.f("fk_commissioning_eui_gateways")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commissioning")),
    )
    op.create_index("ix_commissioning_eui_at_us", "commissioning", ["eui", "at_us"], unique=False)
    op.create_table(
        "hangings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("eui", sa.String(length=16), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("from_at_us", sa.BigInteger(), nullable=False),
        sa.Column("until_at_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["eui"], ["gateways.eui"], name=op.f("fk_hangings_eui_gateways")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_hangings_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hangings")),
    )
    op.create_index(op.f("ix_hangings_eui"), "hangings", ["eui"], unique=False)
    op.create_index(op.f("ix_hangings_site_id"), "hangings", ["site_id"], unique=False)
    op.create_table(
        "memberships",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("commune_insee", sa.String(length=5), nullable=False),
        sa.Column("eui", sa.String(length=16), nullable=False),
        sa.Column("valid_from_at_us", sa.BigInteger(), nullable=False),
        sa.Column("valid_until_at_us", sa.BigInteger(), nullable=True),
        sa.Column("approved_by", sa.String(length=100), nullable=False),
        sa.Column("recorded_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["commune_insee"], ["communes.insee"], name=op.f("fk_memberships_commune_insee_communes")
        ),
        sa.ForeignKeyConstraint(["eui"], ["gateways.eui"], name=op.f("fk_memberships_eui_gateways")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_memberships")),
        sa.UniqueConstraint(
            "commune_insee",
            "eui",
            "valid_from_at_us",
            name=op.f("uq_memberships_commune_insee_eui_valid_from_at_us"),
        ),
    )
    op.create_index(op.f("ix_memberships_eui"), "memberships", ["eui"], unique=False)
