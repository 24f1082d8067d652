"""JSON as Semtech's programs read it: C comments in any encoding; what they refuse is refused by name.

Sources: ``libtools/src/parson.c`` of sx1302_hal 2.1.0 for the order in which comments go (blocks, then lines)
and for what is no JSON there (a key twice in one object, NaN).
"""

import json
import re
from typing import Any, NoReturn

from hal.errors import OurMistake

_STRING = r'"(?:\\.|[^"\\])*"'
_BLOCK = re.compile(rf"{_STRING}|/\*.*?\*/", re.DOTALL)
_LINE = re.compile(rf"{_STRING}|//[^\n]*", re.DOTALL)
WHERE = "global_conf.json"


def read(data: bytes) -> object:
    """Return the value in a file of Semtech's.

    Raises:
        OurMistake: no JSON, a key that stands twice in one object, or a number that is none (with its name).

    >>> read(b'/* 868 \\xb5 */ {"a": 1} // the end')
    {'a': 1}
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    try:
        return json.loads(
            _without(_LINE, _without(_BLOCK, text)), object_pairs_hook=_once, parse_constant=_no_number
        )
    except (json.JSONDecodeError, RecursionError) as error:
        raise OurMistake(str(error), where=WHERE) from error


def _without(comments: re.Pattern[str], text: str) -> str:
    """Return the text with comments blanked, so that an error still names the right line."""

    def blank(match: re.Match[str]) -> str:
        found = match.group()
        return found if found.startswith('"') else re.sub(r"[^\n]", " ", found)

    return comments.sub(blank, text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise OurMistake(f"{key!r} stands twice in one object", where=WHERE)
        found[key] = value
    return found


def _no_number(text: str) -> NoReturn:
    raise OurMistake(f"{text} is no number", where=WHERE)
