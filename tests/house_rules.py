"""House rules as functions: each reads one parsed file and yields what breaks the rule, as ``line: what``."""

import ast
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping
from functools import cache
from itertools import chain


@cache
def nodes(tree: ast.AST) -> tuple[ast.AST, ...]:
    """Return every node of a tree; each file is walked once for all rules."""
    return tuple(ast.walk(tree))


SIGNAL_HANDLERS = frozenset({"signal", "siginterrupt"})


def signal_handlers(tree: ast.Module) -> Iterator[str]:
    """Yield handlers that Python runs between two bytecodes, where a lock may be held."""
    why = "a handler may not take a lock: hal.linux.stop_signal, or add_signal_handler of the asyncio loop"
    for node in nodes(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "signal":
            if any(alias.name in SIGNAL_HANDLERS for alias in node.names):
                yield f"{node.lineno}: from signal import signal: {why}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            target = node.func.value
            if isinstance(target, ast.Name) and target.id == "signal" and node.func.attr in SIGNAL_HANDLERS:
                yield f"{node.lineno}: signal.{node.func.attr}: {why}"


def long_functions(tree: ast.Module, limit_lines: int) -> Iterator[str]:
    """Yield functions with more lines than the limit, their docstring not counted."""
    for node in nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            lines = node.end_lineno - first.lineno + 1
            if lines > limit_lines:
                yield f"{node.lineno}: {node.name}: {lines} lines; at most {limit_lines} without docstring"


def clock_readings(tree: ast.Module) -> Iterator[str]:
    """Yield what reads a clock; outside the shells ``now`` is an argument."""
    for node in nodes(tree):
        if isinstance(node, ast.Import) and any(alias.name == "time" for alias in node.names):
            yield f"{node.lineno}: import time: pass now in"
        elif isinstance(node, ast.Attribute) and node.attr in ("utcnow", "today"):
            yield f"{node.lineno}: .{node.attr}: pass now in"
        elif isinstance(node, ast.Attribute) and ast.unparse(node) == "datetime.now":
            yield f"{node.lineno}: datetime.now: pass now in"


BANNED_NAMES = {
    "common": "what they share",
    "condense": "aggregate, summarise",
    "desk": "what happens there: reconcile, handover",
    "firing": "what begins: opening, alert",
    "helper": "what it does",
    "helpers": "what they do",
    "manager": "what it decides or keeps",
    "means": "the channel: mail, sms, call",
    "misc": "its subject",
    "place": "site, position, index",
    "pulse": "edge, heartbeat, progress",
    "recall": "load, read",
    "rungs": "levels, steps",
    "said": "message, answer, reported",
    "scene": "the context of what: CycleContext",
    "stand": "state, situation",
    "told": "what was received, from whom",
    "util": "what it does",
    "utils": "what they do",
}
"""Names that modules, classes, functions and parameters do not bear, with what to write instead."""
SUBJECTLESS_CLASSES = frozenset({"Kind", "Refused", "Verdict"})


def vague_names(tree: ast.Module, module: str) -> Iterator[str]:
    """Yield names that do not say what they name."""
    for line, name in [(1, module), *_declared(tree)]:
        plain = name.strip("_").lower()
        if plain in BANNED_NAMES:
            yield f"{line}: {name}: vague; say which ({BANNED_NAMES[plain]})"
        elif name in SUBJECTLESS_CLASSES:
            yield f"{line}: {name}: of what? DownlinkVerdict, RecordKind, ChangeRefused"


def _declared(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in nodes(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg


def docstrings_without_subject(tree: ast.Module) -> Iterator[str]:
    """Yield docstrings, those of attributes too, that begin with "Of": of what is left to the reader."""
    for node in nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            text = node.value.value
            if isinstance(text, str) and text.lstrip().startswith("Of "):
                yield f"{node.lineno}: {text.strip().splitlines()[0]!r}: a sentence with a subject"


def importers(trees: Mapping[str, ast.Module]) -> dict[str, set[str]]:
    """Return who imports each module; ``from a import b`` imports ``a.b`` where that is a module.

    So does ``b.c`` where ``b`` is a package that was imported: ``reasons.link`` is a use of that table.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for module, tree in trees.items():
        imported: dict[str, set[str]] = defaultdict(set)
        for bound, name in _imports(tree, trees):
            imported[bound].add(name)
        reached = {
            f"{package}.{node.attr}"
            for node in nodes(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
            for package in imported.get(node.value.id, ())
        }
        for name in {*chain(*imported.values()), *(reached & trees.keys())} - {module}:
            found[name].add(module)
    return found


def _imports(tree: ast.Module, modules: Container[str]) -> Iterator[tuple[str, str]]:
    """Yield the name that each import binds, with the module behind it."""
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            yield from (
                (alias.asname or alias.name, alias.name) for alias in node.names if alias.name in modules
            )
        elif isinstance(node, ast.ImportFrom) and node.module is not None and not node.level:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                module = whole if whole in modules else node.module
                if module in modules:
                    yield alias.asname or alias.name, module
