"""Which tests run which lines of a module, and how long each takes."""

import os
import re
import sys
import threading
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

FILES_LIMIT = 6
"""The namesake comes first, then files that import the module, the nearest to its room before others; where
none does, the files of what uses it."""
FOLDERS = ("tests/unit", "tests/stories")


def path_of(module: str, root: Path) -> Path:
    """Return a module's file."""
    return root / (module.replace(".", "/") + ".py")


def files_for(module: str, root: Path) -> list[str]:
    """Return the tests of a module: files that import it or mirror its room, and its docstrings' examples."""
    mirror = root / "tests" / "unit" / Path(*module.split(".")[:-1])
    files = [path for folder in FOLDERS for path in (root / folder).rglob("test_*.py")]
    direct = _importing({module}, files)
    nearest = sorted(direct, key=lambda path: (-len(os.path.commonpath([path, mirror])), str(path)))
    namesake = [mirror / f"test_{module.rpartition('.')[2]}.py"]
    found = [*filter(Path.is_file, namesake), *nearest, *sorted(mirror.glob("test_*.py"))]
    if not direct:
        package = sorted((root / module.partition(".")[0]).rglob("*.py"))
        users = {
            ".".join(path.relative_to(root).with_suffix("").parts) for path in _importing({module}, package)
        }
        found += sorted(_importing(users, files))
    return [*map(str, list(dict.fromkeys(found))[:FILES_LIMIT]), *_examples(module, root)]


def _importing(modules: Collection[str], files: Iterable[Path]) -> set[Path]:
    """Return the files in which one of the modules is imported."""
    either = "|".join(
        rf"from {re.escape(name)} import|from {re.escape(parent)} import [^\n]*\b{last}\b"
        for name in modules
        for parent, _, last in [name.rpartition(".")]
    )
    return {path for path in files if modules and re.search(either, path.read_text(encoding="utf-8"))}


def _examples(module: str, root: Path) -> list[str]:
    """Return the test that runs the examples of the module's docstrings."""
    if ">>> " not in path_of(module, root).read_text(encoding="utf-8"):
        return []
    return [f"{root / 'tests/test_doctests.py'}::test_the_examples_hold[{module}]"]


class Failures:
    """A plugin: the tests that failed."""

    def __init__(self) -> None:
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure."""
        if report.failed:
            self.failed.append(report.nodeid)


class Watch(Failures):
    """A plugin: the lines of one file that each test runs, and its duration."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.file = str(path)
        self.lines: dict[str, set[int]] = {}
        self.seconds: dict[str, float] = {}
        self._now: set[int] = set()

    def _enter(self, frame: FrameType, _event: str, _arg: Any) -> Any:
        code: CodeType = frame.f_code
        if code.co_filename != self.file:
            return None
        self._now.add(code.co_firstlineno)
        return self._line

    def _line(self, frame: FrameType, _event: str, _arg: Any) -> Any:
        self._now.add(frame.f_lineno)
        return self._line

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Trace one test with its fixtures."""
        self._now = self.lines.setdefault(item.nodeid, set())
        began = time.process_time()
        threading.settrace(self._enter)
        sys.settrace(self._enter)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            self.seconds[item.nodeid] = time.process_time() - began
