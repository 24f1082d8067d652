"""Marks that stand in a written message for addresses made when it is sent; pure.

The acknowledge token must not lie in the database, and the public address belongs to the sending process.
"""

import re
from collections.abc import Callable

_MARK = re.compile(r"\[\[(acknowledge|ticket):(\d+)\]\]")
_PAGE = re.compile(r"\[\[page:([a-z]+)\]\]")


def acknowledge_mark(ticket_id: int) -> str:
    """Return the mark of an acknowledge link.

    >>> acknowledge_mark(7)
    '[[acknowledge:7]]'
    """
    return f"[[acknowledge:{ticket_id}]]"


def ticket_mark(ticket_id: int) -> str:
    """Return the mark of a ticket's page."""
    return f"[[ticket:{ticket_id}]]"


def page_mark(name: str) -> str:
    """Return the mark of a page of ours.

    >>> page_mark("astreinte")
    '[[page:astreinte]]'
    """
    return f"[[page:{name}]]"


def tickets_to_acknowledge(text: str) -> tuple[int, ...]:
    """Return the tickets whose acknowledge links a text needs.

    >>> tickets_to_acknowledge("a [[acknowledge:7]] b [[ticket:8]]")
    (7,)
    """
    found = [int(match[2]) for match in _MARK.finditer(text) if match[1] == "acknowledge"]
    return tuple(dict.fromkeys(found))


def filled(text: str, public_url: str, acknowledge: Callable[[int], str]) -> str:
    """Return the text with every mark replaced."""

    def address(match: re.Match[str]) -> str:
        number = int(match[2])
        return acknowledge(number) if match[1] == "acknowledge" else f"{public_url}/tickets/{number}"

    return _PAGE.sub(rf"{public_url}/\1", _MARK.sub(address, text))
