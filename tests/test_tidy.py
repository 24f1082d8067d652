"""House rules that a machine can check: files read in one sitting, one importer of time, no leftovers."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import house_rules

ROOT = Path(__file__).parents[1]
PACKAGES = ("hal", "firmware", "agent", "fleet", "provisioning", "demo", "passerelle")
FILE_LINES_LIMIT = 320
FUNCTION_LINES_LIMIT = 45
CLOCK_SHELLS = {
    "agent/clock.py": "the agent's clock port",
    "fleet/clock.py": "the fleet's clock port",
    "provisioning/clock.py": "the installer's clock port",
}
CLOCK_SHELL_FOLDERS = ("hal/linux", "hal/twin", "demo", "passerelle")
"""hal's own clocks, and programs that measure or simulate in real time."""


def sources() -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "node_modules" not in path.parts:
                yield path


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


SOURCES = list(sources())
TESTS = sorted((ROOT / "tests").rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in (*SOURCES, *TESTS)}


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_file_is_read_in_one_sitting(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= FILE_LINES_LIMIT, f"{name(path)}: {lines} lines; split it by idea"


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_function_fits_the_screen(path: Path) -> None:
    if "migrations" in path.parts:
        return  # a migration is a list of columns
    long = []
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            lines = node.end_lineno - first.lineno + 1
            if lines > FUNCTION_LINES_LIMIT:
                long.append(f"{node.name}: {lines}")
    assert not long, f"{name(path)}: {long}; at most {FUNCTION_LINES_LIMIT} lines without docstring"


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(TREES[path]), f"{name(path)}: needs a module docstring"


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_only_shells_read_a_clock(path: Path) -> None:
    relative = name(path)
    if relative in CLOCK_SHELLS or relative.startswith(CLOCK_SHELL_FOLDERS):
        return
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Import) and any(alias.name == "time" for alias in node.names):
            raise AssertionError(f"{relative}:{node.lineno}: import time: pass now in")
        if isinstance(node, ast.Attribute) and node.attr in ("utcnow", "today"):
            raise AssertionError(f"{relative}:{node.lineno}: .{node.attr}: pass now in")
        if isinstance(node, ast.Attribute) and node.attr == "now" and isinstance(node.value, ast.Name):
            assert node.value.id != "datetime", f"{relative}:{node.lineno}: datetime.now: pass now in"


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_nothing_is_left_for_later(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for word in ("TODO", "FIXME", "NotImplementedError"):
        assert word not in text, f"{name(path)}: {word}"


def test_every_test_folder_mirrors_a_package() -> None:
    mirrored = {path.name for path in (ROOT / "tests" / "unit").iterdir() if path.is_dir()}
    assert mirrored <= {*PACKAGES, "__pycache__"}


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=name)
def test_no_signal_has_a_handler_that_may_come_at_any_moment(path: Path) -> None:
    assert list(house_rules.signal_handlers(TREES[path])) == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("import signal\nsignal.signal(signal.SIGTERM, stop)", [2]),
        ("from signal import SIGTERM, signal", [1]),
        (
            "import signal\nsignal.sigwait([signal.SIGTERM])\nloop.add_signal_handler(signal.SIGTERM, stop)",
            [],
        ),
    ],
)
def test_the_rule_of_signals_finds_a_handler(source: str, lines: list[int]) -> None:
    found = house_rules.signal_handlers(ast.parse(source))
    assert [int(complaint.partition(":")[0]) for complaint in found] == lines
