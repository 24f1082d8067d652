"""House rules that a machine can check: files read in one sitting, one importer of time, no leftovers."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests import house_rules, transactions

ROOT = Path(__file__).parents[1]
WORD = re.compile(r"[a-z][a-z_]*[a-z]")
PACKAGES = ("hal", "firmware", "agent", "fleet", "provisioning", "demo", "passerelle", "packages")
FILE_LINES_LIMIT = 320
FUNCTION_LINES_LIMIT = 45
CLOCK_SHELLS = {
    "agent/clock.py": "the agent's clock port",
    "fleet/clock.py": "the fleet's clock port",
    "fleet/db/connect.py": "the database port; it says how long its commits take",
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


def found(complaints: Iterator[str]) -> list[int]:
    """Return the lines of complaints."""
    return [int(complaint.partition(":")[0]) for complaint in complaints]


SOURCES = list(sources())
TESTS = sorted((ROOT / "tests").rglob("*.py"))


@cache
def tree_of(path: Path) -> ast.Module:
    """Return a file parsed, once and only where a test wants it: every worker imports this module."""
    return ast.parse(path.read_text(encoding="utf-8"))


def complaints(rule: Callable[[Path], Iterator[str]], paths: Iterable[Path]) -> list[str]:
    """Return what breaks a rule in any of the files, as ``file:line: what``."""
    return [f"{name(path)}:{complaint}" for path in paths for complaint in rule(path)]


def test_a_file_is_read_in_one_sitting() -> None:
    lines = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {path: count for path, count in lines.items() if count > FILE_LINES_LIMIT} == {}, "split by idea"


def test_a_function_fits_the_screen() -> None:
    files = [path for path in SOURCES if "migrations" not in path.parts]  # a migration is a list of columns
    assert (
        complaints(lambda path: house_rules.long_functions(tree_of(path), FUNCTION_LINES_LIMIT), files) == []
    )


def test_a_module_says_what_it_is_for() -> None:
    assert [name(path) for path in SOURCES if not ast.get_docstring(tree_of(path))] == []


def test_only_shells_read_a_clock() -> None:
    inside = [
        path
        for path in SOURCES
        if name(path) not in CLOCK_SHELLS and not name(path).startswith(CLOCK_SHELL_FOLDERS)
    ]
    assert complaints(lambda path: house_rules.clock_readings(tree_of(path)), inside) == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("import time", [1]),
        ("from datetime import datetime\nx = datetime.now()", [2]),
        ("x = date.today()", [1]),
        ("def f(now_us):\n    return now_us", []),
    ],
)
def test_the_rule_of_clocks_finds_a_reading(source: str, lines: list[int]) -> None:
    assert found(house_rules.clock_readings(ast.parse(source))) == lines


def test_the_rule_of_functions_finds_a_long_one() -> None:
    body = "\n".join(f"    x{index} = {index}" for index in range(5))
    source = f'def f():\n    """Docstrings do not count.\n\n    At all.\n    """\n{body}\n'
    assert found(house_rules.long_functions(ast.parse(source), 4)) == [1]
    assert found(house_rules.long_functions(ast.parse(source), 5)) == []


def test_nothing_is_left_for_later() -> None:
    texts = {name(path): path.read_text(encoding="utf-8") for path in SOURCES}
    words = ("TODO", "FIXME", "NotImplementedError")
    assert [(path, word) for path, text in texts.items() for word in words if word in text] == []


def test_every_test_folder_mirrors_a_package() -> None:
    mirrored = {path.name for path in (ROOT / "tests" / "unit").iterdir() if path.is_dir()}
    assert mirrored <= {*PACKAGES, "__pycache__"}


def test_no_signal_has_a_handler_that_may_come_at_any_moment() -> None:
    assert complaints(lambda path: house_rules.signal_handlers(tree_of(path)), [*SOURCES, *TESTS]) == []


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
    assert found(house_rules.signal_handlers(ast.parse(source))) == lines


VENDOR_NAMES = {"hal/registers/common.py": "a block of the register map"}
NAMED = [path for path in (*SOURCES, *TESTS) if name(path) not in VENDOR_NAMES]


def module(path: Path) -> str:
    return path.parent.name if path.stem == "__init__" else path.stem


def test_a_name_says_what_it_names() -> None:
    assert complaints(lambda path: house_rules.vague_names(tree_of(path), module(path)), NAMED) == []


def test_a_docstring_is_a_sentence() -> None:
    assert complaints(lambda path: house_rules.docstrings_without_subject(tree_of(path)), NAMED) == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("class Scene:\n    pass", [1]),
        ("class Verdict:\n    pass", [1]),
        ("class DownlinkVerdict:\n    pass", []),
        ("x = 1\ndef told(): ...", [2]),
        ("async def _recall(): ...", [1]),
        ("def f(a, *, place=1): ...", [1]),
        ("f = lambda said: said", [1]),
        ("def f(*rungs, **means): ...", [1, 1]),
        ("class Manager:\n    def helper(self, util): ...", [1, 2, 2]),
        ("class FleetManager: ...", []),
        ("def placed(standard, recalled): ...", []),
    ],
)
def test_the_rule_of_names_finds_a_vague_one(source: str, lines: list[int]) -> None:
    assert found(house_rules.vague_names(ast.parse(source), "model")) == lines


def test_the_rule_of_names_finds_a_vague_module() -> None:
    assert found(house_rules.vague_names(ast.parse("x = 1"), "desk")) == [1]


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ('"""Of a module."""', [1]),
        ('class A:\n    x: int\n    """Of an attribute."""', [3]),
        ('def f():\n    """\n    Of a function."""', [2]),
        ('class A:\n    x: int\n    """Often seconds, 0 to 90."""', []),
        ('text = "Of a string that is no docstring"', []),
    ],
)
def test_the_rule_of_docstrings_finds_one_without_a_subject(source: str, lines: list[int]) -> None:
    assert found(house_rules.docstrings_without_subject(ast.parse(source))) == lines


GLOSSARY_LIMIT = 40


def glossary(readme: str) -> list[str]:
    """Return the terms in the first column of the table under "Words"."""
    section = readme.partition("\n## Words\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("|")]
    return [term for row in rows[2:] for term in row.strip("*").split(", ")]


def test_the_glossary_is_short_sorted_and_free_of_vague_names() -> None:
    terms = glossary((ROOT / "README.md").read_text(encoding="utf-8"))
    assert 0 < len(terms) <= GLOSSARY_LIMIT
    assert terms == sorted(set(terms), key=str.lower)
    assert not {term for term in terms if set(term.lower().split()) & set(house_rules.BANNED_NAMES)}


def test_a_term_of_the_glossary_is_a_word_of_the_code() -> None:
    words = {word for path in SOURCES for word in WORD.findall(path.read_text(encoding="utf-8").lower())}
    terms = glossary((ROOT / "README.md").read_text(encoding="utf-8"))
    assert {term for term in terms if term.lower().replace(" ", "_") not in words} == set()


def test_the_glossary_is_read_by_rows() -> None:
    assert glossary("# x\n\n## Words\n\n| word | what |\n|---|---|\n| **a, b** | c |\n\n## y\n| z | z |") == [
        "a",
        "b",
    ]


def test_nothing_slow_waits_inside_a_transaction() -> None:
    fleet = {dotted(path): tree_of(path) for path in SOURCES if path.is_relative_to(ROOT / "fleet")}
    assert transactions.SLOW.keys() - {"time.sleep"} <= {
        f"{module}.{node.name}"
        for module, tree in fleet.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }, "a rule about a function that is gone"
    assert list(transactions.slow_within_transactions(fleet)) == []


def test_the_rule_of_transactions_follows_calls() -> None:
    sources = {
        "fleet.a": "from fleet import b\nimport time\ndef f(d):\n with d.write(): b.g()\n time.sleep(1)",
        "fleet.b": "from fleet.identity.passwords import hash_of as h\ndef g(): x()\ndef x(): h('')",
    }
    trees = {module: ast.parse(source) for module, source in sources.items()}
    assert list(transactions.slow_within_transactions(trees)) == [
        "fleet.a:4: fleet.b.g → fleet.b.x → fleet.identity.passwords.hash_of: hash before"
    ]


ROOM_LINES = 70
SMALL_ROOMS_LIMIT = 10
SMALL_ROOMS = {
    "agent.link.rights": "asks the broker again and again, a task of its own beside the session that it ends",
    "agent.radio.pace": "pure by contract; radio.thread, which it serves, is a shell",
    "agent.spool.condition": "the states of the spool; spool.spool is full",
    "fleet.engine.hearing": "what a watch remembers, and pages read; the engine is full",
    "fleet.identity.rate": "an algorithm with a source, pure; process_parts only holds one a process",
    "fleet.intake.strangers": "what becomes of an unknown number is policy, and no route's",
    "fleet.lang.legacy": "prose of agents before 0.2, known to this file alone (`tests.codes`); goes whole",
    "fleet.notify.webhook": "one channel with a signature that receivers check",
    "hal.registers.capture_ram": "data: one block of the register map, as its neighbours",
}
"""Modules under ``ROOM_LINES`` lines that one other imports, and why they are not part of it."""


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


BY_NAME = ("__init__.py", "tables.py")
"""A room itself, and what `fleet.db.schema` imports by its name."""
HAS_AN_ADDRESS = "\nrouter = APIRouter("
"""A page of the web: its door is its address, and only the list of routers imports it."""


def test_a_small_room_with_one_door_has_a_reason() -> None:
    rooms = {dotted(path): tree_of(path) for path in SOURCES}
    doors = house_rules.importers(rooms)
    small = {
        dotted(path)
        for path in SOURCES
        if path.name not in BY_NAME and len(doors[dotted(path)]) == 1
        if len((text := path.read_text(encoding="utf-8")).splitlines()) < ROOM_LINES
        if HAS_AN_ADDRESS not in text
    }
    assert small == set(SMALL_ROOMS), "fold it into the module that it serves, or write down why not"
    assert len(SMALL_ROOMS) <= SMALL_ROOMS_LIMIT


def test_importers_are_found_in_every_way_of_importing() -> None:
    sources = {
        "a": "import b.c\nimport time",
        "b": "from b import c, d",
        "b.c": "from b.c import x",
        "b.d": "from b.c import x\nfrom . import e",
        "b.e": "import b\nfrom b import c as d\nb.d.f(g.c)",
    }
    doors = house_rules.importers({module: ast.parse(source) for module, source in sources.items()})
    assert doors == {"b": {"b.e"}, "b.c": {"a", "b", "b.d", "b.e"}, "b.d": {"b", "b.e"}}
