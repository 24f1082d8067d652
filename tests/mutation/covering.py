"""Which tests run which lines of a module, and how long each takes."""

import ast
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

from tests.house_rules import importers

FOLDERS = ("tests/unit", "tests/stories")


def path_of(module: str, root: Path) -> Path:
    """Return a module's file."""
    return root / (module.replace(".", "/") + ".py")


def files_for(module: str, root: Path) -> list[str]:
    """Return the test files that import a module, and those of the folder that mirrors its room."""
    mirror = root / "tests" / "unit" / Path(*module.split(".")[:-1])
    found = set(mirror.glob("test_*.py"))
    for folder in FOLDERS:
        for path in (root / folder).rglob("test_*.py"):
            text = path.read_text(encoding="utf-8")
            if module.rpartition(".")[2] in text and _imports(ast.parse(text), module):
                found.add(path)
    return sorted(str(path) for path in found)


def _imports(tree: ast.Module, module: str) -> bool:
    empty = ast.parse("")
    return "test" in importers({"test": tree, module: empty}).get(module, set())


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
