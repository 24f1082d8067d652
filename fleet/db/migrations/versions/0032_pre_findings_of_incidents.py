"""Findings of incidents; what is proved to have failed; the gravest criticality of a ticket."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    op.create_table(
        "incident_findings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("domain", sa.String(length=12), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("proved", sa.String(length=16), nullable=False),
        sa.Column("criticality", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("communes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_incident_findings_incident_id_incidents")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_findings")),
    )
    op.create_index(
        op.f("ix_incident_findings_incident_id"), "incident_findings", ["incident_id"], unique=False
    )
    op.add_column(
        "incidents", sa.Column("proved", sa.String(length=16), server_default="none", nullable=False)
    )
    op.add_column(
        "tickets",
        sa.Column("worst_criticality", sa.String(length=16), server_default="MINOR", nullable=False),
    )
    # The shortest limit that a ticket ever had remembers that it was critical: 24 h, in microseconds.
    op.execute(
        "UPDATE tickets SET worst_criticality ="
        " CASE WHEN resolution_limit_us <= 86400000000 THEN 'CRITICAL' ELSE criticality END"
    )


def downgrade() -> None:
    """Take the schema back, while nothing runs on it."""
    op.drop_column("tickets", "worst_criticality")
    op.drop_column("incidents", "proved")
    op.drop_index(op.f("ix_incident_findings_incident_id"), table_name="incident_findings")
    op.drop_table("incident_findings")
