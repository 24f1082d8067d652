"""Routes read the parts of their process by one typed door."""

import ast
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from fleet.web.process_parts import Parts
from tests.unit.fleet.web.api.site import Site

FLEET = Path(__file__).parents[4] / "fleet"
DOOR = "fleet/web/process_parts.py"


def reads_of_app_state(source: str) -> Iterator[int]:
    """Yield the lines that read or write ``app.state``, by whatever name the application goes."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr == "state":
            owner = node.value
            name = (
                owner.id
                if isinstance(owner, ast.Name)
                else owner.attr
                if isinstance(owner, ast.Attribute)
                else ""
            )
            if name == "app":
                yield node.lineno


@pytest.mark.parametrize("path", sorted(FLEET.rglob("*.py")), ids=lambda path: str(path.relative_to(FLEET)))
def test_only_one_module_touches_the_state_of_the_application(path: Path) -> None:
    found = list(reads_of_app_state(path.read_text(encoding="utf-8")))
    assert bool(found) == (str(path.relative_to(FLEET.parent)) == DOOR), f"{path}: {found}: parts_of, Shared"


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("x = request.app.state.clock", [1]),
        ("\nsetattr(app.state, name, value)", [2]),
        ("getattr(visit.request.app.state, 'history', None)", [1]),
        ("ticket.state, request.state.person", []),
    ],
)
def test_the_rule_finds_a_read(source: str, lines: list[int]) -> None:
    assert list(reads_of_app_state(source)) == lines


def test_routes_of_two_processes_share_nothing(tmp_path: Path) -> None:
    both = [Site(tmp_path / name, open_access=True) for name in ("a", "b") if not (tmp_path / name).mkdir()]
    first, second = (site.app.state.parts for site in both)
    shared = [each.name for each in fields(Parts) if getattr(first, each.name) is getattr(second, each.name)]
    assert shared == ["reach", "whole"], "None: nobody asks yet"
