"""The registry and people from a file, JSON, CSV or XLSX: checked whole before anything is changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from fleet.db.connect import Database
from fleet.db.outside import outside_write
from fleet.errors import MistakeError
from fleet.identity import audit
from fleet.oncall.store import import_on_call, import_people
from fleet.registry import sheets, store
from fleet.registry.document import Document, Known, read_document
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


class RegistryChanged(MistakeError):
    """The registry changed between the check of a file and its import; nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFile:
    """A file without problems, and the keys of the registry that it was checked against."""

    name: str
    document: Document
    known: Known


@outside_write
def check_file(database: Database, path: Path) -> CheckedFile:
    """Read ``path`` whole and check it whole.

    Raises:
        FileRefused: it has problems.
        SheetError: it is no sheet.
    """
    content = path.read_bytes()
    if path.suffix.lower() in sheets.SUFFIXES:
        sheet = to_document(sheets.read_cells(path))
        _refuse(path, sheet.problems, sheet.problem_count)
        content = msgspec.json.encode(sheet.document)
    with database.read() as connection:
        known = store.known_keys(connection)
    document = read_document(content, known)
    _refuse(path, document.problems, document.problem_count)
    return CheckedFile(name=path.name, document=document, known=known)


def take_in(connection: Connection, checked: CheckedFile, *, who: str, now_us: int) -> dict[str, int]:
    """Apply a checked file whole; return how many of what.

    Raises:
        RegistryChanged: the registry is not the one of the check; nothing was changed.
    """
    if store.known_keys(connection) != checked.known:
        raise RegistryChanged(f"{checked.name}: the registry changed since it was checked; try again")
    document = checked.document
    counts = store.apply_document(connection, document, who=who, now_us=now_us)
    counts["technicians"] = import_people(connection, document.technicians)
    counts["on_call"] = import_on_call(connection, document.on_call)
    audit.record(
        connection, now_us=now_us, who=who, action="registry.import", subject=checked.name, after=counts
    )
    return counts


def _refuse(path: Path, problems: Sequence[Problem], count: int) -> None:
    if problems:
        raise FileRefused(path, tuple(problems), count)
