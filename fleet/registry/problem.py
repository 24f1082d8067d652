"""One problem of a file that is imported: where it stands and what is wrong, as a value."""

from dataclasses import dataclass
from typing import Any

import msgspec

from agent.wire.misfit import value_misfit
from agent.wire.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """``rule`` is a misfit of the field; else ``key`` names a sentence of the catalogue, else ``text``."""

    text: str
    """English, for the API and the command line."""
    line: int | None = None
    """None in a JSON document, which has paths."""
    column: str = ""
    """The head of the column, or the path."""
    rule: Reason | None = None
    key: str = ""

    def __str__(self) -> str:
        """One line for the API and the command line."""
        at = self.column if self.line is None else f"line {self.line}, column « {self.column} »"
        return f"{at}: {self.text}"


def row_misfit(kind: type[msgspec.Struct], row: Any, error: Exception) -> tuple[str, str, Reason | None]:
    """Return (field, text, rule) of a row that ``error`` refused; the field is empty where none is wrong."""
    found = value_misfit(kind, row)
    return ("", str(error), None) if found is None else (found.path, str(found.rule), found.rule)
