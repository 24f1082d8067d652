"""Types that msgspec knows before any thread asks.

msgspec fills a type's table of fields in place, at its first use: two threads that come first at once crash
the interpreter (22 of 25 processes with msgspec 0.22 and eight threads).  A module whose types are decoded
by several threads resolves them while it is imported, which one thread does.
"""

import msgspec


def resolved(*types: object) -> None:
    """Let msgspec resolve the fields of ``types``, and of all that they contain."""
    for each in types:
        msgspec.json.Decoder(each)
