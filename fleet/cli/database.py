"""`passerelle fleet db …`: the next migration, for developers; the way back, for administrators."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from fleet.errors import MistakeError

SERVING_US = 10_000_000
"""A cycle this short ago means that `fleet serve` runs."""

app = typer.Typer(no_args_is_help=True, help="The schema of the database.")


@app.callback()
def _db() -> None:
    """The schema of the database."""


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


@app.command()
def downgrade(
    data: Annotated[Path, Option("--data", help="Folder of this fleet.", file_okay=False)],
    to: Annotated[str, Option(help="Schema that the older program names when it refuses to start.")],
) -> None:
    """Take the schema back so that an older program can start; what only the newer one knew is deleted."""
    from fleet.cli.commands import open_fleet
    from fleet.clock import SystemClock
    from fleet.db import migrate
    from fleet.evidence.facts import LAST_CYCLE, marked

    _, database = open_fleet(data)
    with closing(database), database.write() as connection:
        cycle_at_us = marked(connection, LAST_CYCLE)
        if cycle_at_us is not None and abs(SystemClock().now_us() - cycle_at_us) < SERVING_US:
            raise MistakeError("downgrade: `fleet serve` ran a cycle just now; stop it first")
        before = migrate.downgrade(connection, to)
    print(f"database: schema {before} taken back to {to}; start the older program now")
