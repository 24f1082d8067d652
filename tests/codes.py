"""`make check`, the codes of reasons: every code has both languages and is used, and nothing parses prose.

A gateway's codes stand in ``agent.wire.reasons``, the fleet's own in ``fleet.lang.reasons`` with their words
in the catalogue.
A use is ``reasons.SUBJECT.CODE``, or ``SUBJECT.CODE`` after ``from agent.wire.reasons import SUBJECT``.  mypy
checks the values that it passes.
"""

import ast
import re
import string
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from agent.wire.reasons import TABLE, WORDS, Entry
from agent.wire.reasons.vocabulary import Words
from fleet.lang.i18n import LANGUAGES, catalogue
from fleet.lang.reasons import OWN_VALUES, FleetReason
from tests.house_rules import nodes

ROOT = Path(__file__).parents[1]
PACKAGES = ("agent", "hal", "firmware", "fleet", "provisioning", "passerelle", "demo")
TABLE_FOLDER = ROOT / "agent" / "wire" / "reasons"
LEGACY = ROOT / "fleet" / "lang" / "legacy.py"
"""The one file that may know the prose of older agents."""
OWN = ROOT / "fleet" / "lang" / "reasons.py"
"""Where the fleet's own codes are declared."""
UNITS = frozenset(
    {
        *(
            "us",
            "ms",
            "s",
            "min",
            "h",
            "hz",
            "khz",
            "mhz",
            "dbm",
            "db",
            "dbi",
            "c",
            "bytes",
            "mb",
            "characters",
        ),
        *("m", "deg", "percent", "tries", "gateways"),
        *(
            "frames",
            "tests",
            "jobs",
            "commands",
            "downlinks",
            "names",
            "channels",
            "partitions",
            "lines",
            "signatures",
            "starts",
        ),
        *("version", "status", "code", "sf", "least", "most"),
    }
)
"""What the name of a number ends in: its unit, what it counts, or a number that has none."""
PROSE = re.compile(r"[A-Za-z]{3,} [a-z]{2,}")
PATTERN = re.compile(r"\\[dwSWD]|\.[*+]|\(\?P<")
"""What only a regular expression holds."""


def problems_of_table(table: Mapping[str, Entry], words: Mapping[str, Words]) -> Iterator[str]:
    """Yield what the table lacks."""
    for code, entry in sorted(table.items()):
        yield from (f"{code}: {problem}" for problem in _problems_of(entry))
    named = {name for entry in table.values() for name in entry.values}
    yield from (f"vocabulary: no code has a value {name}" for name in words if name not in named)
    for name, meanings in words.items():
        short = [word for word, languages in meanings.items() if not all(one.strip() for one in languages)]
        yield from (f"vocabulary: {name} {word}: French or English is missing" for word in short)


def _problems_of(entry: Entry) -> Iterator[str]:
    for lang, sentence in (("French", entry.french), ("English", entry.english)):
        named = _named(sentence)
        if not sentence.strip():
            yield f"no {lang}"
        elif named != set(entry.values):
            yield f"the {lang} sentence names {sorted(named)}, the values are {sorted(entry.values)}"
    for name, kind in entry.values.items():
        if kind in (int, float) and name.rpartition("_")[2] not in UNITS:
            yield f"{name} is a number without a unit in its name"


def problems_of_uses(table: Mapping[str, Entry], used: set[str]) -> Iterator[str]:
    """Yield codes that nobody uses, and uses that no file declares."""
    subjects = {code.partition(".")[0] for code in table}
    for code in sorted(set(table) - used):
        yield f"{code}: used nowhere"
    for code in sorted(used - set(table)):
        if code.partition(".")[0] in subjects and code not in _FUNCTIONS:
            yield f"{code}: no such code"


_FUNCTIONS = frozenset({"ending.blames_the_box", "document.rule_of"})
"""Functions beside the codes of a subject."""


def uses_in(tree: ast.Module) -> Iterator[str]:
    """Yield every ``SUBJECT.CODE`` of a module."""
    subjects = {
        alias.asname or alias.name
        for node in nodes(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "agent.wire.reasons"
        for alias in node.names
    }
    for node in nodes(tree):
        if isinstance(node, ast.Attribute):
            match node.value:
                case ast.Attribute(value=ast.Name(id="reasons"), attr=subject):
                    yield f"{subject}.{node.attr}"
                case ast.Name(id=subject) if subject in subjects:
                    yield f"{subject}.{node.attr}"


def problems_of_the_fleets(
    codes: Mapping[str, str], sentences: Mapping[str, Mapping[str, str]], used: set[str]
) -> Iterator[str]:
    """Yield what the fleet's own codes lack: ``codes`` by name, and the words of the catalogue."""
    for name, code in codes.items():
        forms = sentences.get(f"reason.{code}", {})
        yield from (f"{code}: no {lang}" for lang in LANGUAGES if not forms.get(lang, "").strip())
        named = [_named(forms.get(lang, "")) for lang in LANGUAGES]
        if named[0] != named[1] or not named[0] <= set(OWN_VALUES):
            yield f"{code}: French names {sorted(named[0])}, English {sorted(named[1])}"
        if name not in used:
            yield f"{code}: used nowhere"
    kept = {key.removeprefix("reason.") for key in sentences if key.startswith("reason.")}
    yield from (f"reason.{key}: no code of the fleet" for key in sorted(kept - set(codes.values())))


def _named(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def fleet_uses_in(tree: ast.Module) -> Iterator[str]:
    """Yield every NAME of ``FleetReason.NAME`` in a module."""
    for node in nodes(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="FleetReason"), attr=name):
                yield name


def prose_patterns_in(tree: ast.Module) -> Iterator[str]:
    """Yield the regular expressions of a module that take a sentence apart."""
    documentation = {
        id(node.value)
        for node in nodes(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in nodes(tree):
        match node:
            case ast.Constant(value=str() as text) if id(node) not in documentation:
                if PROSE.search(text) and PATTERN.search(text):
                    yield text


def _sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from (
            path for path in sorted((ROOT / package).rglob("*.py")) if "node_modules" not in path.parts
        )


def main() -> int:
    """Print what is wrong; return 1 if anything is."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in _sources()}
    used = {code for path, tree in trees.items() if path.parent != TABLE_FOLDER for code in uses_in(tree)}
    found = [*problems_of_table(TABLE, WORDS), *problems_of_uses(TABLE, used)]
    fleets = {name for path, tree in trees.items() if path != OWN for name in fleet_uses_in(tree)}
    codes = {code.name: code.value for code in FleetReason}
    found += problems_of_the_fleets(codes, catalogue(), fleets)
    for path, tree in trees.items():
        if path != LEGACY:
            found += [f"{path.relative_to(ROOT)}: {text!r} parses prose" for text in prose_patterns_in(tree)]
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
