"""The order of the suite: what waits comes early and spread out, so that other workers compute meanwhile.

A file of ``booted``, ``contract`` or ``e2e`` starts processes and waits for them; run together at the end
they would leave the processors idle.  pytest-xdist hands files out in this order
(``--no-loadscope-reorder``).
"""

from collections.abc import Iterable
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
WAITING = ("booted", "contract", "e2e")
COMPUTING_BETWEEN = 4
"""Files that compute between two that wait."""


def spread(waiting: Iterable[str], computing: Iterable[str], between: int = COMPUTING_BETWEEN) -> list[str]:
    """Return both in their own order, one that waits before every ``between`` that compute."""
    rest, found = list(computing), []
    for one in waiting:
        found += [one, *rest[:between]]
        rest = rest[between:]
    return found + rest


def waits(path: Path) -> bool:
    """Return whether the tests of a file start processes and wait for them."""
    return path.is_relative_to(TESTS) and path.relative_to(TESTS).parts[0] in WAITING


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(str(item.path), []).append(item)
    waiting = [file for file in files if waits(Path(file))]
    order = spread(waiting, [file for file in files if file not in waiting])
    items[:] = [item for file in order for item in files[file]]
