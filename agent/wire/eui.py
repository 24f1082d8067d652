"""EUI-64 as 16 lower-case hexadecimal digits: the one spelling used in topics, tables and files."""

import re

_EUI = re.compile(r"[0-9a-f]{16}")


def parse_eui(text: str) -> str:
    """Return ``text`` in the one spelling; ``-``, ``:`` and capitals are accepted.

    >>> parse_eui("00-16-C0-01-F1-2A-3B-4C")
    '0016c001f12a3b4c'

    Raises:
        ValueError: not 16 hexadecimal digits.
    """
    plain = text.strip().replace("-", "").replace(":", "").lower()
    if not _EUI.fullmatch(plain):
        raise ValueError(f"eui: {text!r} is not 16 hexadecimal digits, such as 0016c001f12a3b4c")
    return plain
