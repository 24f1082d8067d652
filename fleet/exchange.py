"""The registry and people from a file, JSON, CSV or XLSX: checked whole before anything is changed."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from fleet.errors import MistakeError
from fleet.identity import audit
from fleet.oncall.store import import_on_call, import_people
from fleet.registry import sheets, store
from fleet.registry.document import Document, read_document
from fleet.registry.problem import Problem
from fleet.registry.sheet import to_document


class FileRefused(MistakeError):
    """A file with problems; nothing was changed.  As text: a line for the file, then one a problem."""

    def __init__(self, path: Path, problems: tuple[Problem, ...], count: int) -> None:
        self.problems, self.count = problems, count
        super().__init__("\n".join((f"{path}: {count} problems, nothing was changed", *self.lines())))

    def lines(self) -> list[str]:
        """Return a line for each problem that is listed, and how many more there are."""
        beyond = self.count - len(self.problems)
        return [*map(str, self.problems), *([f"… and {beyond} more"] if beyond else [])]


def take_in(connection: Connection, path: Path, *, who: str, now_us: int) -> dict[str, int]:
    """Check ``path`` whole, then apply it whole; return how many of what.

    Raises:
        FileRefused: it has problems; nothing was changed.
    """
    document = _read(connection, path)
    counts = store.apply_document(connection, document, who=who, now_us=now_us)
    counts["technicians"] = import_people(connection, document.technicians)
    counts["on_call"] = import_on_call(connection, document.on_call)
    audit.record(
        connection, now_us=now_us, who=who, action="registry.import", subject=path.name, after=counts
    )
    return counts


def _read(connection: Connection, path: Path) -> Document:
    content = path.read_bytes()
    if path.suffix.lower() in sheets.SUFFIXES:
        sheet = to_document(sheets.read_cells(path))
        _refuse(path, sheet.problems, sheet.problem_count)
        content = msgspec.json.encode(sheet.document)
    document = read_document(content, store.known_keys(connection))
    _refuse(path, document.problems, document.problem_count)
    return document


def _refuse(path: Path, problems: Sequence[Problem], count: int) -> None:
    if problems:
        raise FileRefused(path, tuple(problems), count)
