"""Every sentence that the agent gives as a reason has a French one; they are read from the source."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path

import pytest

import agent
from agent.wire.words import french_reason

ROOT = Path(agent.__file__).parent
CALLS = frozenset(
    {
        *(
            "Leave",
            "EnvelopeRefused",
            "CommandFailed",
            "CommandRefused",
            "PlacementRefused",
            "Skipped",
            "Recover",
            "StageImpossible",
        ),
        *("CannotReboot", "BalenaRefused", "record", "restart", "restart_radio", "_say"),
    }
)
NAMES = re.compile(r"reason|^why$|^words$")
SAYS = re.compile(r"reason|suspicion|fewer")
FILLERS = ("7", "DEAF", "0x10", "0016c001f12a3b4c", "nmcli", "lost", "7 us ahead", "868.1")
ENGLISH = re.compile(r"\b(the|was|were|not|no|is|are|of|for|it|this|that|ahead|left|sent)\b")
FOR_PEOPLE = frozenset({"cli.py", "words.py", "sentences.py", "screen.py", "judge.py", "trouble.py"})
"""These hold the words themselves, or print French and English beside each other."""


def texts(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.IfExp():
            yield from texts(node.body)
            yield from texts(node.orelse)
        case ast.BoolOp():
            for value in node.values:
                yield from texts(value)
        case ast.Constant(value=str() as text):
            yield text
        case ast.JoinedStr():
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values)


def given(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from (one.value for one in node.keywords if one.arg == "reason")
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in CALLS:
                yield from node.args
        elif isinstance(node, ast.FunctionDef) and SAYS.search(node.name):
            returned = [one.value for one in ast.walk(node) if isinstance(one, ast.Return) and one.value]
            yield from returned
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [getattr(target, "id", getattr(target, "attr", "")) for target in targets]
            if any(NAMES.search(name) for name in names):
                yield node.value


@cache
def sentences() -> list[str]:
    found = set()
    for path in sorted(ROOT.rglob("*.py")):
        if path.name not in FOR_PEOPLE:
            found |= {text for value in given(ast.parse(path.read_text())) for text in texts(value)}
    return sorted(text for text in found if " " in text.replace("\0", "") and re.search("[a-z]{3}", text))


def is_french(sentence: str) -> bool:
    parts = sentence.split("\0")
    for fillers in product(FILLERS, repeat=min(len(parts) - 1, 3)):
        filled = parts[0]
        for index, part in enumerate(parts[1:]):
            filled += fillers[min(index, 2)] + part
        if not ENGLISH.search(french_reason(filled)):
            return True
    return False


@pytest.mark.parametrize("sentence", sentences())
def test_a_reason_has_french_words(sentence: str) -> None:
    assert is_french(sentence), f"agent.wire.words has no line for {sentence!r}"


def test_the_search_finds_what_the_agent_says() -> None:
    assert len(sentences()) > 50
    assert any("crash of the agent" in one for one in sentences())
    assert not is_french("the radio sings for us")


def test_a_reason_without_a_line_passes_as_it_is() -> None:
    assert french_reason("xyzzy") == "xyzzy"
