"""``docs/architecture.md`` shows the floors that hold; ``PASSERELLE_WRITE_DOCS=1`` writes its tables anew."""

import os
import re
from itertools import groupby
from pathlib import Path

import pytest

from tests import floors

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "architecture.md"
STAY = re.compile(r"^\d+\. `([\w/.]+)`", re.MULTILINE)
STAYS_LIMIT = 12
DECISIONS = re.compile(r"<!-- decisions -->\n.*?<!-- end of decisions -->\n", re.DOTALL)
WAYS = ("The way of a frame", "The way of a heartbeat")


def decisions() -> str:
    """Return the decisions of every package as a list of links."""
    lines = []
    for path in sorted(ROOT.rglob("decisions/[0-9]*.md")):
        if not {"node_modules", ".venv"} & set(path.parts):
            title = path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
            room = path.parent.parent.relative_to(ROOT).as_posix()
            lines.append(
                f"- `{room}`: [{title}](../{path.relative_to(ROOT).as_posix()})".replace("`.`", "all")
            )
    return "<!-- decisions -->\n\n" + "\n".join(lines) + "\n\n<!-- end of decisions -->\n"


def renewed(text: str) -> str:
    return DECISIONS.sub(lambda _: decisions(), floors.renewed(text))


def test_the_floors_and_decisions_shown_are_those_that_hold() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    if os.environ.get("PASSERELLE_WRITE_DOCS") == "1":
        DOCUMENT.write_text(renewed(text), encoding="utf-8")
        return
    assert text == renewed(text), "renew it: PASSERELLE_WRITE_DOCS=1 pytest tests/test_architecture.py"


def test_an_import_contract_that_changes_makes_the_picture_old() -> None:
    assert renewed("<!-- floors of fleet -->\nold\n<!-- end of floors -->\n") != "old"
    assert "| `cli` |" in renewed("<!-- floors of fleet -->\nold\n<!-- end of floors -->\n")


@pytest.mark.parametrize("heading", WAYS)
def test_a_way_goes_one_way_through_few_files_that_exist(heading: str) -> None:
    section = DOCUMENT.read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    stays = STAY.findall(section)
    assert [stay for stay in stays if not (ROOT / stay).exists()] == []
    assert 5 < len(stays) <= STAYS_LIMIT
    rooms = [room for room, _ in groupby(stays, key=room_of)]
    assert len(rooms) == len(set(rooms)), f"{heading}: comes back to a room: {rooms}"


def room_of(stay: str) -> str:
    """Return the room that a file is in; a file right below a package is a room of its own."""
    parts = stay.split("/")
    return "/".join(parts[:2])


def test_the_root_table_says_who_may_import_whom() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for package in ("hal", "firmware", "agent", "fleet", "provisioning"):
        (row,) = [line for line in readme.splitlines() if line.startswith(f"| [`{package}/`]")]
        stated = set(re.findall(r"`([\w.]+)`", row.rsplit("|", 2)[1]))
        assert stated == floors.imports_of(package), row
