"""The bytes of a mail as it came, and the entry of the main courante that shows it."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forwards."""
    with op.batch_alter_table("report_mails") as table:
        table.add_column(sa.Column("raw", sa.LargeBinary(), nullable=True))
        table.add_column(sa.Column("read_at_us", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("trouble", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("shift_entries") as table:
        table.add_column(sa.Column("mail_key", sa.String(length=64), nullable=False, server_default=""))
