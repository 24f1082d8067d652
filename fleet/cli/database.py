"""`passerelle fleet db revision MESSAGE`: write the next migration, for who changes a table."""

from typing import Annotated

import typer
from typer import Argument, Option

app = typer.Typer(no_args_is_help=True, help="The schema, for developers.")


@app.callback()
def _db() -> None:
    """The schema, for developers."""


@app.command()
def revision(
    message: Annotated[str, Argument(help="What changes, such as 'parts of a ticket'.")],
    post: Annotated[
        bool, Option("--post", help="Remove what the code dropped a release ago; else: add.")
    ] = False,
) -> None:
    """Write, format and prove the migration from the schema of the migrations to the tables of the code."""
    from fleet.db.revision import write_revision

    print(write_revision(message, removals=post))
