"""`passerelle fleet territory import FILE`: communes with their borders."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from fleet.territory.geojson import read

app = typer.Typer(no_args_is_help=True, help="Communes and their borders.")
FILE_LIMIT_BYTES = 512 * 1024 * 1024
"""ADMIN EXPRESS of all of France is about 200 MB as GeoJSON."""
LISTED_LIMIT = 50


@app.callback()
def _territory() -> None:
    """Communes and their borders."""


@app.command("import")
def import_(
    data: Annotated[Path, Option("--data", help="Folder of this fleet.", file_okay=False)],
    file: Annotated[Path, Argument(exists=True, dir_okay=False, help="GeoJSON.")],
    dry_run: Annotated[bool, Option("--dry-run", help="Check and list, change nothing.")] = False,
) -> None:
    """Read communes from GeoJSON (ADMIN EXPRESS, geo.api.gouv.fr, France GeoJSON)."""
    from fleet.cli.commands import open_fleet
    from fleet.clock import SystemClock
    from fleet.identity import audit
    from fleet.territory.store import apply_territory

    if file.stat().st_size > FILE_LIMIT_BYTES:
        raise ValueError(f"{file}: larger than {FILE_LIMIT_BYTES} bytes")
    territory = read(file.read_bytes())
    _, database = open_fleet(data)
    now_us = SystemClock().now_us()
    with closing(database), database.write() as connection:
        applied = apply_territory(connection, territory, source=file.name, now_us=now_us)
        audit.record(
            connection,
            now_us=now_us,
            who=audit.COMMAND_LINE,
            action="territory.import",
            subject=file.name,
            after={"communes": applied.communes, "changes": len(applied.changes)},
        )
        if dry_run:
            connection.rollback()
    did = "would import" if dry_run else "imported"
    print(f"{did} {applied.communes} communes, {applied.with_border} with a border")
    _list("refused", territory.refused)
    _list("remarks", territory.remarks)
    _list("changes", [f"{one.kind} {one.insee}: {one.before} -> {one.after}" for one in applied.changes])


def _list(title: str, lines: "tuple[str, ...] | list[str]") -> None:
    if not lines:
        return
    print(f"{len(lines)} {title}")
    for line in lines[:LISTED_LIMIT]:
        print(f"  {line}")
    if len(lines) > LISTED_LIMIT:
        print(f"  … and {len(lines) - LISTED_LIMIT} more")
