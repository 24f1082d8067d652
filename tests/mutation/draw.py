"""Draws pure cores by lot, and mistakes in each, which meet the nearest tests of the module."""

import ast
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.mutation.apart import apart, result_of
from tests.mutation.covering import Failures, files_for, path_of
from tests.mutation.mistakes import Mistake, mistakes
from tests.mutation.planting import plant
from tests.mutation.run import QUIET, Found

DRAWN_LIMIT_S = 300.0
"""A mistake whose tests do not end by then counts as found."""


def draw(modules: list[str], root: Path, *, count: int, each: int, seed: int) -> Iterator[Found]:
    """Yield what became of so many mistakes, `each` in every module that is drawn."""
    lot = random.Random(seed)
    for module in lot.sample(modules, min(len(modules), -(-count // each))):
        possible = list(mistakes(ast.parse(path_of(module, root).read_text(encoding="utf-8"))))
        for position in sorted(lot.sample(range(len(possible)), min(each, len(possible)))):
            tree = ast.parse(path_of(module, root).read_text(encoding="utf-8"))
            mistake = list(mistakes(tree))[position]
            yield Found(mistake, found_by(module, root, tree, mistake), module)


def found_by(module: str, root: Path, tree: ast.Module, mistake: Mistake | None) -> str | None:
    """Return the test that fails with a mistake in the tree and passes without, or None."""

    def run(tests: list[str], planted: bool) -> Any:
        if planted and mistake is not None:
            mistake.plant()
        if planted:
            plant(module, path_of(module, root), tree)
        watch = Failures()
        status = pytest.main([*QUIET, f"--rootdir={root}", *tests], plugins=[watch])
        return {"by": watch.failed[0] if watch.failed else (f"import ({int(status)})" if status else None)}

    result = result_of(*apart(lambda: run(files_for(module, root), True)), DRAWN_LIMIT_S)
    by = "does not end" if result is None else result["by"]
    if by is None or "::" not in by:
        return by
    as_it_is = result_of(*apart(lambda: run([by], False)), DRAWN_LIMIT_S)
    assert as_it_is == {"by": None}, f"{by} fails as it is"
    return str(by)
