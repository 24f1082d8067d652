"""Plants mistakes into one module, each in a process of its own that runs the tests of the changed lines."""

import ast
import importlib
import random
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.mutation.apart import apart, result_of
from tests.mutation.covering import Failures, Watch, files_for, path_of
from tests.mutation.mistakes import Mistake, mistakes
from tests.mutation.planting import plant

TESTS_LIMIT_S = 25.0
"""How long the tests of one mistake take together, the fastest first."""
TEST_LIMIT_S = 10.0
RUN_LIMIT_S = 90.0
"""A mistake that does not end by then counts as found."""
QUIET = ("-x", "-q", "-p", "no:cacheprovider")


@dataclass(frozen=True)
class Found:
    """What became of one mistake: the test that fails, or none."""

    mistake: Mistake
    by: str | None
    module: str

    def __str__(self) -> str:
        verdict = f"found by {self.by}" if self.by else "SURVIVES"
        return f"{self.module}:{self.mistake.line}: {self.mistake}\n    {verdict}"


def _stands_in(package: str, root: Path) -> bool:
    return (root / package).is_dir() or path_of(package, root).is_file()


class Room:
    """One module, its tests, and the lines that each of them runs."""

    def __init__(self, module: str, root: Path) -> None:
        self.module, self.path, self.root = module, path_of(module, root), root
        self.files = files_for(module, root)
        measured = result_of(*apart(self._measure), 900.0)
        assert measured is not None, f"{module}: its tests do not end"
        assert not measured["failed"], f"{module}: fails as it is: {measured['failed']}"
        self.lines = {test: set(lines) for test, lines in measured["lines"].items()}
        self.seconds: dict[str, float] = measured["seconds"]
        for name in measured["libraries"]:
            with suppress(ImportError):
                importlib.import_module(name)

    def _measure(self) -> object:
        watch = Watch(self.path)
        status = pytest.main([*QUIET, f"--rootdir={self.root}", *self.files], plugins=[watch])
        if status and not watch.failed:
            watch.failed.append(f"pytest ends with {status}")
        libraries = [name for name in sys.modules if not _stands_in(name.partition(".")[0], self.root)]
        return {
            "lines": {test: sorted(lines) for test, lines in watch.lines.items()},
            "seconds": watch.seconds,
            "failed": watch.failed,
            "libraries": libraries,
        }

    def tests_of(self, mistake: Mistake) -> list[str]:
        """Return the tests that run what changes, the fastest first."""
        changed = set(range(mistake.line, getattr(mistake.was, "end_lineno", mistake.line) + 1))
        inside = any(lines & changed for lines in self.lines.values())
        running = [test for test, lines in self.lines.items() if (lines & changed if inside else lines)]
        found: list[str] = []
        total = 0.0
        for test in sorted(running, key=lambda test: self.seconds[test]):
            total += self.seconds[test]
            if found and (total > TESTS_LIMIT_S or self.seconds[test] > TEST_LIMIT_S):
                break
            found.append(test)
        return found

    def begin(self, mistake: Mistake, tree: ast.Module) -> tuple[int, int]:
        """Run the tests of one planted mistake in a process."""
        tests = self.tests_of(mistake)

        def run() -> object:
            if not tests:
                return {"by": None}
            mistake.plant()
            plant(self.module, self.path, tree)
            watch = Failures()
            status = pytest.main([*QUIET, f"--rootdir={self.root}", *tests], plugins=[watch])
            return {
                "by": watch.failed[0] if watch.failed else (f"import ({int(status)})" if status else None)
            }

        return apart(run)


def run(module: str, root: Path, *, sample: int | None, seed: int, jobs: int) -> list[Found]:
    """Plant mistakes into a module and return what became of each; all of them where no sample is asked."""
    tree = ast.parse(path_of(module, root).read_text(encoding="utf-8"))
    planted = list(mistakes(tree))
    if sample is not None and sample < len(planted):
        planted = sorted(random.Random(seed).sample(planted, sample), key=lambda mistake: mistake.line)
    return try_all(Room(module, root), tree, planted, jobs)


def try_all(room: Room, tree: ast.Module, planted: Sequence[Mistake], jobs: int) -> list[Found]:
    """Plant each mistake in turn, a few side by side."""
    found: list[Found] = []
    running: list[tuple[Mistake, int, int]] = []
    for mistake in [*planted, *[None] * jobs]:
        if len(running) >= jobs or mistake is None:
            if not running:
                break
            first, process, out = running.pop(0)
            result = result_of(process, out, RUN_LIMIT_S)
            by = "does not end" if result is None else result["by"]
            found.append(Found(first, by, room.module))
        if mistake is not None:
            running.append((mistake, *room.begin(mistake, tree)))
    return found
