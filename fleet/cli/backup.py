"""`passerelle fleet backup`, `backup-key`, `restore`: everything of a fleet in one archive, and back."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from fleet.clock import SystemClock
from fleet.errors import MistakeError
from fleet.settings import read_founded, read_settings

Data = Annotated[Path, Option("--data", help="Folder of this fleet.", file_okay=False)]
OWNER_ONLY = 0o600


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
            "`backup.recipients` in fleet.json names its public part; or take --plain"
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
    """Bring a fleet back into a bare folder and an empty database (PASSERELLE_DATABASE_URL or SQLite)."""
    from fleet.backup.archive import read_identities
    from fleet.backup.restore import restore as bring_back

    identities = [] if identity is None else read_identities(identity)
    manifest, end = bring_back(data, file, identities, os.environ, SystemClock().now_us())
    made_at = datetime.fromtimestamp(manifest.made_at_us // 1_000_000, UTC)
    print(
        f"{data}: {sum(end.rows.values())} rows, {len(end.sha256)} files, as of {made_at:%Y-%m-%d %H:%M:%SZ}"
    )
    print("What happened since is not in it: gateways revoked since then must be revoked again.")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(backup)
    app.command("backup-key")(backup_key)
    app.command()(restore)
