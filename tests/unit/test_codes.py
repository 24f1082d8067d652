"""`make check` finds a code without language, use or unit, and patterns that parse prose."""

import ast

import pytest

from agent.wire.reasons import TABLE, WORDS, Entry
from tests.codes import (
    fleet_uses_in,
    main,
    problems_of_table,
    problems_of_the_fleets,
    problems_of_uses,
    prose_patterns_in,
    uses_in,
)

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


@pytest.mark.parametrize(
    ("sentences", "used", "problem"),
    [
        ({"reason.fleet.a": {"fr": "vue", "en": "seen"}}, {"A"}, None),
        ({}, {"A"}, "fleet.a: no fr"),
        ({"reason.fleet.a": {"fr": "vue", "en": " "}}, {"A"}, "fleet.a: no en"),
        ({"reason.fleet.a": {"fr": "vue : {text}", "en": "seen"}}, {"A"}, "fleet.a: French names ['text']"),
        ({"reason.fleet.a": {"fr": "{x}", "en": "{x}"}}, {"A"}, "fleet.a: French names ['x']"),
        ({"reason.fleet.a": {"fr": "vue", "en": "seen"}}, set(), "fleet.a: used nowhere"),
        (
            {"reason.fleet.a": {"fr": "vue", "en": "seen"}, "reason.was seen": {"fr": "vue", "en": "seen"}},
            {"A"},
            "reason.was seen: no code",
        ),
    ],
)
def test_a_code_of_the_fleet_has_both_languages_and_a_use(sentences, used, problem) -> None:
    found = list(problems_of_the_fleets({"A": "fleet.a"}, sentences, used))
    assert (problem is None) is (found == [])
    assert problem is None or found[0].startswith(problem)


def test_uses_of_the_fleets_codes_are_seen() -> None:
    assert list(fleet_uses_in(ast.parse("reason = own(FleetReason.SILENT)"))) == ["SILENT"]


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
