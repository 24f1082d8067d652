"""Days as French people write them, in the form that files share (ISO 8601); pure."""

import re
from datetime import date
from typing import Final

from fleet.lang.text import ascii_only, one_line

_MONTHS: Final = ("janv", "fevr", "mars", "avr", "mai", "juin", "juil", "aout", "sept", "oct", "nov", "dec")
_FIGURES = re.compile(r"(\d{1,2})[/.\- ](\d{1,2})[/.\- ](\d{4}|\d{2})")
_WORDS = re.compile(r"(?:[a-z]+\.? )?(\d{1,2})(?:er)? ([a-z]{3,9})\.? (\d{4})")
CENTURY: Final = 2000
"""Two figures of a year are of this century: no gateway is older."""


def iso_day(written: str) -> str:
    """Return the day that a person wrote as ISO 8601; what is no day comes back as it was.

    >>> iso_day("01/12/2026"), iso_day("1er décembre 2026"), iso_day("1.12.26"), iso_day("hier")
    ('2026-12-01', '2026-12-01', '2026-12-01', 'hier')
    """
    text = ascii_only(one_line(written)).lower()
    figures, words = _FIGURES.fullmatch(text), _WORDS.fullmatch(text)
    if figures:
        day, month, year = (int(part) for part in figures.groups())
    elif words:
        found = [index for index, name in enumerate(_MONTHS, 1) if words[2].startswith(name)]
        day, month, year = int(words[1]), found[0] if found else 0, int(words[3])
    else:
        return written
    try:
        return date(year + (CENTURY if year < 100 else 0), month, day).isoformat()
    except ValueError:
        return written
