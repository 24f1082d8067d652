"""docs/lns.md: every cell of its table names what holds it, and every test that it names exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "lns.md").read_text(encoding="utf-8")
CAPABILITIES = 12
PATHS = 5


def cells(page: str) -> dict[tuple[str, str], str]:
    """Return the cells of the first table by capability and path."""
    shown = page.split("\n\n## ", maxsplit=1)[0].splitlines()
    lines = [line for line in shown if line.startswith("|")]
    header, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {(row[0], path): cell for row in rows for path, cell in zip(header[1:], row[1:], strict=True)}


def legend(page: str) -> dict[str, tuple[str, str]]:
    """Return file and function by letter."""
    return {
        letter: (file, name)
        for letter, file, name in re.findall(r"^\| ([A-Z]) \| `(\S+)::(\w+)`", page, re.MULTILINE)
    }


def exists(file: str, function: str) -> bool:
    path = ROOT / file
    pattern = rf"^(async )?def {function}\("
    return path.exists() and re.search(pattern, path.read_text(encoding="utf-8"), re.MULTILINE) is not None


def unheld(page: str) -> list[tuple[str, str]]:
    """Return the cells that name nothing, or a letter without a test."""
    known = {letter for letter, named in legend(page).items() if exists(*named)}
    return [
        place
        for place, cell in cells(page).items()
        if not (letters := re.findall(r"\[([A-Z])\]", cell)) or set(letters) - known
    ]


def test_every_cell_of_the_table_is_held() -> None:
    found = cells(PAGE)
    assert len(found) == CAPABILITIES * PATHS
    assert unheld(PAGE) == []


def test_every_test_that_the_page_names_exists_and_is_named_for_a_cell() -> None:
    named = re.findall(r"`(tests/\S+\.py)::(\w+)`", PAGE)
    assert [one for one in named if not exists(*one)] == []
    used = {letter for cell in cells(PAGE).values() for letter in re.findall(r"\[([A-Z])\]", cell)}
    assert set(legend(PAGE)) == used


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("le serveur [B]", "le serveur"),
        ("le serveur [B]", "le serveur [Z]"),
        ("::test_a_push_ack_settles_its_frames_once", "::test_that_nobody_wrote"),
    ],
)
def test_a_cell_that_nothing_holds_is_found(before: str, after: str) -> None:
    assert before in PAGE
    assert unheld(PAGE.replace(before, after, 1)) != []
