"""``CONTRIBUTING.md`` is true: what it names exists, and its recipes are carried out in a copy."""

import re
from pathlib import Path

import pytest

from tests import readmes
from tests.scratch import ROOT, Copy

PAGE = ROOT / "CONTRIBUTING.md"
FENCE = re.compile(r"^```(?P<kind>\w+)(?: (?P<path>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
MAKE = re.compile(r"`make ([a-z]+)")
RECIPES = ("board", "migration", "page", "connector", "ticket act", "indicator")
CARRIED_OUT = ("board", "migration", "page")


def recipe(name: str) -> str:
    """Return the section of one recipe."""
    text = PAGE.read_text(encoding="utf-8")
    article = "an" if name[0] in "aeiou" else "a"
    return text.partition(f"### Add {article} {name}\n")[2].partition("\n### ")[0]


def carry_out(name: str, copy: Copy) -> list[str]:
    """Do what a recipe says, block by block; return what its commands printed."""
    printed = []
    for block in FENCE.finditer(recipe(name)):
        kind, path, text = block["kind"], block["path"], block["text"]
        if kind == "sh":
            done = copy.run("bash", "-euo", "pipefail", "-c", text)
            assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
            printed.append(done.stdout)
        elif kind == "diff":
            lines = text.splitlines(keepends=True)
            before, after = ("".join(line[1:] for line in lines if line[0] == sign) for sign in "-+")
            copy.change(path, before, after)
        else:
            copy.write(path, text)
    return printed


def test_every_file_that_is_named_exists() -> None:
    assert readmes.missing_links(PAGE) + readmes.missing_files(PAGE) + readmes.missing_modules(PAGE) == []


def test_every_target_of_make_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    wanted = set(MAKE.findall(PAGE.read_text(encoding="utf-8")))
    assert {name for name in wanted if not re.search(rf"^{name}:", makefile, re.MULTILINE)} == set()


def test_every_command_is_accepted() -> None:
    assert readmes.refused_commands(PAGE) == []


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_says_which_files_and_which_tests(name: str) -> None:
    assert len(re.findall(r"`[\w/.-]+/`|`[\w/.-]+\.\w+`|^```", recipe(name), re.MULTILINE)) >= 3
    assert "tests" in recipe(name) or "tried" in recipe(name)


@pytest.mark.slow
def test_a_board_is_added(tmp_path: Path) -> None:
    assert carry_out("board", Copy(tmp_path / "program", "hal")) == ["My board\n"]


@pytest.mark.slow
def test_a_migration_is_added(tmp_path: Path) -> None:
    copy = Copy(tmp_path / "program", "agent", "fleet", "passerelle")
    (printed,) = carry_out("migration", copy)
    text = Path(printed.strip()).read_text(encoding="utf-8")
    assert re.findall(r'op\.(\w+)\("shift_entries"', text) == ["add_column", "drop_column"]


@pytest.mark.slow
def test_a_page_is_added(tmp_path: Path) -> None:
    copy = Copy(
        tmp_path / "program", "agent", "demo", "docs", "fleet", "hal", "passerelle", "provisioning", "tests"
    )
    (printed,) = carry_out("page", copy)
    assert "failed" not in printed
    listed = copy.run(
        "python", "-m", "pytest", "--co", "-q", "-k", "visiteurs", "tests/unit/fleet/web/test_pages.py"
    )
    assert listed.returncode == 0, listed.stdout  # else what passed was without the new page
