"""`passerelle fleet import`, `export`, `territory import`: registry and communes from and to files.

The registry is JSON, CSV or XLSX, communes are GeoJSON.

A file is checked whole before anything is changed; a dry run applies it and takes it back.
"""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from fleet.cli.folder import Data
from fleet.errors import MistakeError
from fleet.territory.geojson import read

territory = typer.Typer(no_args_is_help=True, help="Communes and their borders.")
IMPORT_LIMIT_BYTES = 256 * 1024 * 1024
"""Bytes of one import file; the polygons of 36,000 communes fit."""
TERRITORY_LIMIT_BYTES = 512 * 1024 * 1024
"""ADMIN EXPRESS of all of France is about 200 MB as GeoJSON."""
LISTED_LIMIT = 50


def import_file(data: Path, path: Path, *, dry_run: bool) -> str:
    """Check ``path`` whole, then apply it whole; return what was done."""
    from fleet.cli.commands import open_fleet
    from fleet.clock import SystemClock
    from fleet.exchange import check_file, take_in
    from fleet.identity import audit

    if path.stat().st_size > IMPORT_LIMIT_BYTES:
        raise MistakeError(f"{path}: larger than {IMPORT_LIMIT_BYTES} bytes")
    _, database = open_fleet(data)
    now_us = SystemClock().now_us()
    checked = check_file(database, path)
    with closing(database), database.write() as connection:
        counts = take_in(connection, checked, who=audit.COMMAND_LINE, now_us=now_us)
        if dry_run:
            connection.rollback()
    listed = ", ".join(f"{count} {name}" for name, count in counts.items())
    return f"{'would import' if dry_run else 'imported'} {listed}"


def export_file(data: Path, path: Path) -> str:
    """Write the registry to ``path``; what it holds can be imported again."""
    from fleet.cli.commands import open_fleet
    from fleet.registry import sheets

    if path.suffix.lower() not in sheets.SUFFIXES:
        raise MistakeError(f"{path}: name it .csv or .xlsx")
    _, database = open_fleet(data)
    with closing(database), database.read() as connection:
        cells = sheets.export_cells(connection)
    sheets.write_cells(path, cells)
    return f"{path}: {len(cells) - 1} lines"


@territory.callback()
def _territory() -> None:
    """Communes and their borders."""


@territory.command("import")
def import_territory(
    data: Data,
    file: Annotated[Path, Argument(exists=True, dir_okay=False, help="GeoJSON.")],
    dry_run: Annotated[bool, Option("--dry-run", help="Check and list, change nothing.")] = False,
) -> None:
    """Read communes from GeoJSON (ADMIN EXPRESS, geo.api.gouv.fr, France GeoJSON)."""
    from fleet.cli.commands import open_fleet
    from fleet.clock import SystemClock
    from fleet.identity import audit
    from fleet.territory.store import apply_territory

    if file.stat().st_size > TERRITORY_LIMIT_BYTES:
        raise ValueError(f"{file}: larger than {TERRITORY_LIMIT_BYTES} bytes")
    found = read(file.read_bytes())
    _, database = open_fleet(data)
    now_us = SystemClock().now_us()
    with closing(database), database.write() as connection:
        applied = apply_territory(connection, found, source=file.name, now_us=now_us)
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
    _list("refused", found.refused)
    _list("remarks", found.remarks)
    _list("changes", [f"{one.kind} {one.insee}: {one.before} -> {one.after}" for one in applied.changes])


def _list(title: str, lines: "tuple[str, ...] | list[str]") -> None:
    if not lines:
        return
    print(f"{len(lines)} {title}")
    for line in lines[:LISTED_LIMIT]:
        print(f"  {line}")
    if len(lines) > LISTED_LIMIT:
        print(f"  … and {len(lines) - LISTED_LIMIT} more")
