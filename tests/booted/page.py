"""The administrator's guide as commands: every block of the page, where it stands, for which machine."""

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "exploitation.md"
SERVER, GATEWAY, WATCHMAN = "", "passerelle", "veilleur"
_PARTS = re.compile(
    r"^## (?P<section>[^\n]+)$|^```sh ?(?P<machine>\w*)\n(?P<script>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block of commands."""

    section: str
    machine: str
    """What stands behind ``sh``: nothing for the fleet's server."""
    script: str


def blocks(text: str) -> list[Block]:
    """Return every block of a page, in its order.

    >>> blocks("## A\\n```sh\\nls\\n```\\ntext\\n```sh veilleur\\npwd\\n```\\n")[1].machine
    'veilleur'
    """
    found: list[Block] = []
    section = ""
    for part in _PARTS.finditer(text):
        if part["section"] is not None:
            section = part["section"]
        else:
            found.append(Block(section=section, machine=part["machine"], script=part["script"]))
    return found
