"""Lengths of time stand in one module of the fleet."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import fleet
from fleet import durations

NAMES = frozenset({"SECOND_US", "MINUTE_US", "HOUR_US", "DAY_US"})
SOURCES = sorted(path for path in Path(fleet.__file__).parent.rglob("*.py") if path.name != "durations.py")


def defined(tree: ast.Module) -> Iterator[str]:
    """Yield the lengths of time that a module defines for itself."""
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        yield from (target.id for target in targets if isinstance(target, ast.Name) and target.id in NAMES)


def test_every_length_is_imported() -> None:
    assert len(SOURCES) > 200
    found = [(str(path), name) for path in SOURCES for name in defined(ast.parse(path.read_text()))]
    assert found == []


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("DAY_US = 86_400_000_000", ["DAY_US"]),
        ("from typing import Final\nHOUR_US: Final = 3600", ["HOUR_US"]),
        ("from fleet.durations import DAY_US\nWEEK_US = 7 * DAY_US", []),
    ],
)
def test_a_second_definition_is_found(source: str, names: list[str]) -> None:
    assert list(defined(ast.parse(source))) == names


def test_a_day_has_so_many_microseconds() -> None:
    assert durations.DAY_US == 86_400_000_000
