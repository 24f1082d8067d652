"""`passerelle fleet backup`, `backup-key`, `restore`, `db`: a fleet in one archive, its schema, and back."""

import os
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from fleet.cli.folder import Data
from fleet.clock import SystemClock
from fleet.errors import MistakeError
from fleet.settings import read_founded, read_settings

OWNER_ONLY = 0o600
SERVING_US = 10_000_000
"""A cycle this short ago means that `fleet serve` runs."""

schema = typer.Typer(no_args_is_help=True, help="The schema of the database.")


def backup(
    data: Data,
    output: Annotated[Path, Option(help="File to write; never written over.", dir_okay=False)],
    plain: Annotated[bool, Option("--plain", help="Not encrypted: it holds every key of the fleet.")] = False,
) -> None:
    """Write everything that a restored fleet needs, while it runs, encrypted to `backup.recipients`."""
    from fleet.backup.archive import parse_recipient
    from fleet.backup.backup import make_backup

    recipients = tuple(parse_recipient(text) for text in read_founded(data).backup.recipients)
    if not recipients and not plain:
        raise MistakeError(
            "backup: nobody to encrypt to; `passerelle fleet backup-key --output FILE` makes a key, and "
            "`passerelle fleet settings set backup.recipients=age1…` names its public part; or take --plain"
        )
    end = make_backup(read_settings(data), output, () if plain else recipients, SystemClock().now_us())
    print(f"{output}: {sum(end.rows.values())} rows, {len(end.sha256)} files, {output.stat().st_size} bytes")


def backup_key(
    output: Annotated[Path, Option(help="File to write; keep it elsewhere than the fleet.")],
) -> None:
    """Make a key for backups: the private part into a file, the public part on the screen."""
    from pyrage import x25519

    identity = x25519.Identity.generate()
    with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "w") as file:
        file.write(f"# public key: {identity.to_public()}\n{identity}\n")
    print(identity.to_public())


def restore(
    data: Data,
    file: Annotated[Path, Argument(exists=True, dir_okay=False, help="What `fleet backup` wrote.")],
    identity: Annotated[
        Path | None, Option(help="File with the private key.", exists=True, dir_okay=False)
    ] = None,
) -> None:
    """Bring a fleet back into a bare folder and an empty database: PASSERELLE_DATABASE_URL, or its own."""
    from fleet.backup.archive import read_identities
    from fleet.backup.restore import restore as bring_back

    identities = [] if identity is None else read_identities(identity)
    manifest, end = bring_back(data, file, identities, os.environ, SystemClock().now_us())
    made_at = datetime.fromtimestamp(manifest.made_at_us // 1_000_000, UTC)
    print(
        f"{data}: {sum(end.rows.values())} rows, {len(end.sha256)} files, as of {made_at:%Y-%m-%d %H:%M:%SZ}"
    )
    print("What happened since is not in it: gateways revoked since then must be revoked again.")


@schema.callback()
def _db() -> None:
    """The schema of the database."""


@schema.command()
def revision(
    message: Annotated[str, Argument(help="What changes, such as 'parts of a ticket'.")],
    post: Annotated[
        bool, Option("--post", help="Remove what the code dropped a release ago; else: add.")
    ] = False,
) -> None:
    """Write, format and prove the migration from the schema of the migrations to the tables of the code."""
    from fleet.db.revision import write_revision

    print(write_revision(message, removals=post))


@schema.command()
def downgrade(
    data: Data,
    to: Annotated[str, Option(help="Schema that the older program names when it refuses to start.")],
) -> None:
    """Take the schema back so that an older program can start; what only the newer one knew is deleted."""
    from fleet.cli.commands import open_fleet
    from fleet.db import migrate
    from fleet.evidence.facts import LAST_CYCLE, marked
    from fleet.identity.seal_keys import forget

    settings, database = open_fleet(data)
    with closing(database), database.write() as connection:
        cycle_at_us = marked(connection, LAST_CYCLE)
        if cycle_at_us is not None and abs(SystemClock().now_us() - cycle_at_us) < SERVING_US:
            raise MistakeError("downgrade: `fleet serve` ran a cycle just now; stop it first")
        before = migrate.downgrade(connection, to)
        forget(settings.seals, migrate.tables_without(connection, "seal"))
    print(f"database: schema {before} taken back to {to}; start the older program now")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(backup)
    app.command("backup-key")(backup_key)
    app.command()(restore)
    app.add_typer(schema, name="db")
