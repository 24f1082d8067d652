"""What Alembic runs for each migration; ``fleet.db.migrate`` hands the open transaction over."""

from alembic import context

from fleet.db.base import metadata
from fleet.db.schema import load_tables

load_tables()
attributes = context.config.attributes
only = attributes.get("only")
"""While a revision is written: the names of the tables that it is about; None: all."""


def _include(_object: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
    return only is None or kind != "table" or name in only


context.configure(
    connection=attributes["connection"],
    target_metadata=metadata,
    render_as_batch=False,
    compare_type=True,
    include_object=_include,
    compare_server_default=False,
)
context.run_migrations()
