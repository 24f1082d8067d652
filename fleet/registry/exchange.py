"""`passerelle fleet import` and `export`: the registry from and to files, JSON, CSV or XLSX.

A file is checked whole before anything is changed; a dry run applies it and takes it back.
"""

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from fleet.clock import SystemClock
from fleet.commands import MistakeError, open_fleet
from fleet.identity import audit
from fleet.oncall.store import import_on_call, import_people
from fleet.registry import sheets, store
from fleet.registry.document import Document, read_document
from fleet.registry.sheet import to_document

IMPORT_LIMIT_BYTES = 256 * 1024 * 1024
"""Of one import file; the polygons of 36,000 communes fit."""


def import_file(data: Path, path: Path, *, dry_run: bool) -> str:
    """Check ``path`` whole, then apply it whole; return what was done."""
    if path.stat().st_size > IMPORT_LIMIT_BYTES:
        raise MistakeError(f"{path}: larger than {IMPORT_LIMIT_BYTES} bytes")
    _, database = open_fleet(data)
    now_us = SystemClock().now_us()
    with closing(database), database.write() as connection:
        counts = take_in(connection, path, who=audit.COMMAND_LINE, now_us=now_us)
        if dry_run:
            connection.rollback()
    listed = ", ".join(f"{count} {name}" for name, count in counts.items())
    return f"{'would import' if dry_run else 'imported'} {listed}"


def take_in(connection: Connection, path: Path, *, who: str, now_us: int) -> dict[str, int]:
    """Check ``path`` whole, then apply it whole; return how many of what.

    Raises:
        MistakeError: it has problems, one a line; nothing was changed.
    """
    document = _read(connection, path)
    counts = store.apply_document(connection, document, who=who, now_us=now_us)
    counts["technicians"] = import_people(connection, document.technicians)
    counts["on_call"] = import_on_call(connection, document.on_call)
    audit.record(
        connection, now_us=now_us, who=who, action="registry.import", subject=path.name, after=counts
    )
    return counts


def export_file(data: Path, path: Path) -> str:
    """Write the registry to ``path``; what it holds can be imported again."""
    if path.suffix.lower() not in sheets.SUFFIXES:
        raise MistakeError(f"{path}: name it .csv or .xlsx")
    _, database = open_fleet(data)
    with closing(database), database.read() as connection:
        cells = sheets.export_cells(connection)
    sheets.write_cells(path, cells)
    return f"{path}: {len(cells) - 1} lines"


def _read(connection: Connection, path: Path) -> Document:
    content = path.read_bytes()
    if path.suffix.lower() in sheets.SUFFIXES:
        sheet = to_document(sheets.read_cells(path))
        _refuse(path, sheet.problems, sheet.problem_count)
        content = msgspec.json.encode(sheet.document)
    document = read_document(content, store.known_keys(connection))
    _refuse(path, document.problems, document.problem_count)
    return document


def _refuse(path: Path, problems: Iterable[str], count: int) -> None:
    listed = list(problems)
    if listed:
        more = f"\n… and {count - len(listed)} more" if count > len(listed) else ""
        text = "\n".join(listed)
        raise MistakeError(f"{path}: {count} problems, nothing was changed\n{text}{more}")
