"""Text from outside (forms, sheets, JSON, mails, the wire), folded into what files and pages can show; pure.

    line breaks of any kind              a space in a line; a line break in a paragraph
    control and bidi characters, NUL     removed: invisible, they turn or cut what stands beside them
    half of a surrogate pair             U+FFFD: no file and no socket takes it
    letters in two parts (é as e + ´)    one letter (NFC)
    a day as French people write it      the day of ISO 8601

Sources: Unicode 15.1 §23 (special areas), UAX #9 (bidi controls), UAX #15 (NFC), RFC 5322 §2.2 (a header is
one line), ``str.splitlines`` of Python for what counts as a line break.
"""

import re
import unicodedata
from datetime import date
from typing import Final

BREAKS: Final = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
"""Every character at which ``str.splitlines`` breaks; each ends a mail's header."""

_BREAK = re.compile(rf"\r\n|[{BREAKS}]")
_SPACES = re.compile(r"[ \t\u00a0]+")
_EDGES: Final = " \t\u00a0\u202f\u2007"
_INVISIBLE_RANGES: Final = (
    "\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064"
    "\u2066-\u206f\ufeff\ufff9-\ufffb"
)
_INVISIBLE = re.compile(f"[{_INVISIBLE_RANGES}]")
NOT_PLAIN: Final = re.compile(f"[{BREAKS}{_INVISIBLE_RANGES}]")
"""What a text on one line, all of which can be seen, does not hold."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_MONTHS: Final = ("janv", "fevr", "mars", "avr", "mai", "juin", "juil", "aout", "sept", "oct", "nov", "dec")
_FIGURES = re.compile(r"(\d{1,2})[/.\- ](\d{1,2})[/.\- ](\d{4}|\d{2})")
_WORDS = re.compile(r"(?:[a-z]+\.? )?(\d{1,2})(?:er)? ([a-z]{3,9})\.? (\d{4})")
CENTURY: Final = 2000
"""Two figures of a year are of this century: no gateway is older."""


def paragraph(text: str) -> str:
    """Return ``text`` without what is invisible; every line break is a plain line feed.

    >>> paragraph("un\\u2028deux\\x00\\u202e")
    'un\\ndeux'
    """
    text = _SURROGATE.sub("\ufffd", _BREAK.sub("\n", text))
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", text))


def one_line(text: str) -> str:
    """Return ``text`` on a line of its own, without spaces at its ends.

    >>> one_line(" Vouvray\\u2028cha\\u0302teau\\r\\n"), one_line("a\\u00a0b")
    ('Vouvray château', 'a b')
    """
    lines = (line.strip(_EDGES) for line in paragraph(text).split("\n"))
    return _SPACES.sub(" ", " ".join(line for line in lines if line))


def ascii_only(text: str) -> str:
    """Return ``text`` in the letters that every mail program has carried since 1982.

    >>> ascii_only("Bléré\\u202f: œuvre, « Île »")
    'Blere : oeuvre, " Ile "'
    """
    plain = unicodedata.normalize("NFKD", text.translate(_TYPOGRAPHIC))
    letters = (letter for letter in plain if not unicodedata.combining(letter))
    return "".join(letter if letter.isascii() else "?" for letter in letters)


def collation(text: str) -> str:
    """Return what a list is ordered by: É stands beside E, œ beside oe, case counts nothing.

    >>> sorted(["Zoé", "Étoile", "Esvres", "Ève"], key=collation)
    ['Esvres', 'Étoile', 'Ève', 'Zoé']
    """
    return ascii_only(text).casefold()


_TYPOGRAPHIC: Final = str.maketrans(
    {"’": "'", "‘": "'", "«": '"', "»": '"', "“": '"', "”": '"', "–": "-", "—": "-", "−": "-", "…": "..."}
    | {"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "·": "-", "×": "x", "°": "o", "€": "EUR"}
)


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
