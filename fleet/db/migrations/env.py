"""What Alembic runs for each migration; ``fleet.db.migrate`` hands the open transaction over."""

from alembic import context

from fleet.db.base import metadata
from fleet.db.schema import load_tables

load_tables()
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=False,
    compare_type=True,
    compare_server_default=False,
)
context.run_migrations()
