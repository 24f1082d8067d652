"""Problems of a file by line and column, from the sentences of the import; pure."""

import re
from dataclasses import dataclass
from typing import Final

from fleet.web.rendering import Words

SHOWN_LIMIT: Final = 200
"""Problems on the page; who has more mends these first."""
_CELL: Final = re.compile(r"line (\d+), column « (.*?) »: (.*)")
_PATH: Final = re.compile(r"([\w.\[\]]+): (.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem; a JSON document has paths instead of lines."""

    line: str
    column: str
    text: str


def problems_of(words: Words, said: str) -> tuple[list[Problem], int]:
    """Return the problems to show, and how many there are beyond."""
    lines = said.splitlines()
    listed = lines[1:] if len(lines) > 1 else lines
    found = [_problem(words, line) for line in listed if not line.startswith("…")]
    more = next((int(line.split()[2]) for line in listed if line.startswith("… and ")), 0)
    return found[:SHOWN_LIMIT], max(0, len(found) - SHOWN_LIMIT) + more


def _problem(words: Words, line: str) -> Problem:
    if cell := _CELL.fullmatch(line):
        return Problem(line=cell[1], column=cell[2], text=words.refusal(cell[3]))
    if path := _PATH.fullmatch(line):
        return Problem(line="", column=path[1], text=words.refusal(path[2]))
    return Problem(line="", column="", text=line)
