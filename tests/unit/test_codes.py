"""`make check` finds a code without language, use or unit, and patterns that parse prose."""

import ast

import pytest

from agent.wire.reasons import TABLE, WORDS, Entry
from tests.codes import main, problems_of_table, problems_of_uses, prose_patterns_in, uses_in

GOOD = Entry(french="depuis {silent_s} s", english="for {silent_s} s", values={"silent_s": int})


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (Entry(french="", english="for {silent_s} s", values={"silent_s": int}), "a.b: no French"),
        (Entry(french="depuis {silent_s} s", english=" ", values={"silent_s": int}), "a.b: no English"),
        (Entry(french="depuis", english="for {silent_s} s", values={"silent_s": int}), "the French sentence"),
        (Entry(french="{count}", english="{count}", values={"count": int}), "without a unit"),
    ],
)
def test_a_code_that_lacks_something_is_found(entry: Entry, problem: str) -> None:
    found = list(problems_of_table({"a.b": entry}, {}))
    assert any(problem in one for one in found), found


def test_a_whole_code_is_none() -> None:
    assert list(problems_of_table({"a.b": GOOD}, {})) == []


def test_a_word_without_a_language_or_a_value_is_found() -> None:
    words = {"silent_s": {"x": ("", "y")}, "nobody": {"x": ("x", "y")}}
    assert list(problems_of_table({"a.b": GOOD}, words)) == [
        "vocabulary: no code has a value nobody",
        "vocabulary: silent_s x: French or English is missing",
    ]


def test_a_code_that_nobody_uses_and_a_use_of_none_are_found() -> None:
    assert list(problems_of_uses({"a.b": GOOD}, {"a.c"})) == ["a.b: used nowhere", "a.c: no such code"]


def test_both_ways_to_use_a_code_are_seen() -> None:
    tree = ast.parse("from agent.wire.reasons import spool\nspool.full(cause=reasons.lns.answers())")
    assert sorted(uses_in(tree)) == ["lns.answers", "spool.full"]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('re.compile(r"no answer for (\\d+) s")', 1),
        ('TABLE = ((r"version (\\d+) rolled back", "x"),)', 1),
        ('"""no answer for (\\\\d+) s"""', 0),
        ('re.compile(r"SF(\\d+)BW(\\d+)")', 0),
        ('text = "no answer for 30 s."', 0),
    ],
)
def test_a_pattern_that_takes_a_sentence_apart_is_found(source: str, found: int) -> None:
    assert len(list(prose_patterns_in(ast.parse(source)))) == found


def test_the_project_itself_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0, capsys.readouterr().out
    assert len(TABLE) > 200
    assert len(WORDS) > 5
