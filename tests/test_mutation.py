"""Mistakes are planted where a person makes them; a test that looks finds them, the others survive."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutation.mistakes import mistakes
from tests.mutation.pure import LEFT_OUT, is_pure, pure_modules

ROOT = Path(__file__).parents[1]


def planted(source: str) -> list[str]:
    """Return what a module looks like after each mistake."""
    found = []
    for position in range(len(list(mistakes(ast.parse(source))))):
        tree = ast.parse(source)
        list(mistakes(tree))[position].plant()
        found.append(ast.unparse(tree))
    return found


@pytest.mark.parametrize(
    ("source", "mistake"),
    [
        ("a < b", "a <= b"),
        ("a in b", "a not in b"),
        ("a and b", "a or b"),
        ("a and b and c", "a and c"),
        ("not a", "a"),
        ("a + b", "a - b"),
        ("a + b", "b"),
        ("min(a, b)", "max(a, b)"),
        ("min(a, b)", "a"),
        ("any(a)", "all(a)"),
        ("f(a.start_us)", "f(a.end_us)"),
        ("f(left_us, right_us)", "f(right_us, left_us)"),
        ("replace(a, b=c, d=e)", "replace(a, b=c)"),
        ("sorted(a, key=b)", "sorted(a)"),
        ("[a for a in b if c]", "[a for a in b]"),
        ("a[0]", "a[-1]"),
        ("x = 7", "x = 14"),
        ("x = True", "x = False"),
        ("a if b else c", "c if b else a"),
        ("def f():\n    g()", "def f():\n    pass"),
        ("if a:\n    b = c", "if False:\n    b = c"),
        ("def f(now_us):\n    return since_us", "def f(now_us):\n    return now_us"),
    ],
)
def test_a_mistake_that_a_person_makes_is_planted(source: str, mistake: str) -> None:
    assert mistake in planted(source)


@pytest.mark.parametrize(
    "source",
    [
        "def f(a: Literal[1]) -> Literal[2]: ...",
        "@dataclass(frozen=True)\nclass A: ...",
        "raise E(1)",
        "'words'",
    ],
)
def test_what_decides_nothing_stays(source: str) -> None:
    assert planted(source) == []


def test_what_a_test_looks_at_is_found_and_what_none_looks_at_survives(tmp_path: Path) -> None:
    (tmp_path / "toy.py").write_text(
        "def late(age_us, most_us):\n    return age_us > most_us\n\n\n"
        "def unseen(age_us, most_us):\n    return age_us > most_us\n"
    )
    (tmp_path / "tests" / "unit").mkdir(parents=True)
    (tmp_path / "tests" / "unit" / "test_toy.py").write_text(
        "from toy import late\n\n\ndef test_late():\n    assert [late(4, 3), late(3, 3)] == [True, False]\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "tests.mutation", "toy", "--root", str(tmp_path), "--all"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "toy:2: comparison: age_us > most_us  ->  age_us >= most_us",
        "    found by tests/unit/test_toy.py::test_late",
        "toy:6: comparison: age_us > most_us  ->  age_us >= most_us",
        "    SURVIVES",
        "toy: 1 of 2 found",
    ]


DECIDES = "def f(a, b):\n    return a < b and a + b > 1\n"


@pytest.mark.parametrize(
    ("source", "pure"),
    [
        (DECIDES, True),
        ("import msgspec\nfrom fleet.facts.model import Fact\n" + DECIDES, True),
        ("from urllib.parse import quote\n" + DECIDES, True),
        ("import os\n" + DECIDES, False),
        ("from urllib.request import urlopen\n" + DECIDES, False),
        ("if TYPE_CHECKING:\n    from sqlalchemy import Connection\n" + DECIDES, False),
        (DECIDES + "x = open('y')\n", False),
        (DECIDES + "x = datetime.now(UTC)\n", False),
        (DECIDES + "async def g(): ...\n", False),
        (DECIDES + "def g(connection): ...\n", False),
        (DECIDES + "def g(context): return context.connection\n", False),
        ("NAMES = ('a', 'b')\n", False),
    ],
)
def test_a_module_that_decides_and_reaches_nothing_outside_is_a_pure_core(source: str, pure: bool) -> None:
    assert is_pure(ast.parse(source)) is pure


def test_mistakes_are_drawn_over_every_pure_core() -> None:
    cores = pure_modules(ROOT)
    assert {"fleet.safety.oracle", "agent.downlink.jit", "hal.airtime"} <= set(cores)
    assert not {"fleet.response.apply", "agent.run", "agent.spool.disk"} & set(cores)
    assert not [name for name in cores if name.startswith(LEFT_OUT)]
    assert len(cores) > 200


def test_a_draw_says_its_seed_and_what_became_of_each_mistake(tmp_path: Path) -> None:
    (tmp_path / "hal").mkdir()
    (tmp_path / "hal" / "toy.py").write_text(DECIDES)
    (tmp_path / "tests" / "unit").mkdir(parents=True)
    (tmp_path / "tests" / "unit" / "test_toy.py").write_text(
        "from hal.toy import f\n\n\ndef test_f():\n    assert f(1, 2)\n"
    )
    command = [sys.executable, "-m", "tests.mutation", "--sample", "2", "--each", "2", "--seed", "4", "--all"]
    done = subprocess.run(
        [*command, "--root", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert [line.startswith("hal.toy:2: ") for line in lines] == [True, False, True, False, False]
    found = sum(line == "    found by tests/unit/test_toy.py::test_f" for line in lines)
    assert found + lines.count("    SURVIVES") == 2
    assert lines[-1] == f"1 pure modules, seed 4: {found} of 2 found"
