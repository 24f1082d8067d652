"""`passerelle fleet import` and `export`: the registry from and to files, JSON, CSV or XLSX.

A file is checked whole before anything is changed; a dry run applies it and takes it back.
"""

from contextlib import closing
from pathlib import Path

from fleet.cli.commands import open_fleet
from fleet.clock import SystemClock
from fleet.errors import MistakeError
from fleet.exchange import check_file, take_in
from fleet.identity import audit
from fleet.registry import sheets

IMPORT_LIMIT_BYTES = 256 * 1024 * 1024
"""Bytes of one import file; the polygons of 36,000 communes fit."""


def import_file(data: Path, path: Path, *, dry_run: bool) -> str:
    """Check ``path`` whole, then apply it whole; return what was done."""
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
    if path.suffix.lower() not in sheets.SUFFIXES:
        raise MistakeError(f"{path}: name it .csv or .xlsx")
    _, database = open_fleet(data)
    with closing(database), database.read() as connection:
        cells = sheets.export_cells(connection)
    sheets.write_cells(path, cells)
    return f"{path}: {len(cells) - 1} lines"
