"""The pure cores: the modules of which mistakes are drawn by lot.

A module counts when
1. it belongs to the product's decisions: not to its stand-ins for devices and users, its pages and documents,
   or its tables of registers, which tests compare whole with recordings, golden documents and maker's files;
2. its imports, those for types too, name nothing that reaches outside: what is not listed below as pure does;
3. it opens no file, prints nothing, reads no clock, awaits nothing and is handed no connection to a database;
4. there are `MISTAKES_MIN` mistakes to make in it: less is a list of names.
"""

import ast
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tests.mutation.mistakes import mistakes

PACKAGES = ("agent", "fleet", "hal", "provisioning")
LEFT_OUT = (
    "fleet.reports",
    "fleet.simulation",
    "fleet.web",
    "hal.compare",
    "hal.registers",
    "hal.tools",
    "hal.transcript",
    "hal.twin",
)
# fmt: off
PURE = {
    "__future__", "array", "base64", "binascii", "bisect", "collections", "contextlib", "csv",
    "dataclasses", "datetime", "decimal", "difflib", "email", "enum", "errno", "fractions", "functools",
    "hashlib", "heapq", "hmac", "html", "io", "ipaddress", "itertools", "json", "markupsafe", "math",
    "msgspec", "operator", "phonenumbers", "quopri", "re", "shapely", "statistics", "string", "struct",
    "types", "typing", "unicodedata", "urllib.parse", "zlib", "zoneinfo",
}
# fmt: on
REACHES_OUT = frozenset({"date.today", "datetime.now", "input", "open", "print"})
MISTAKES_MIN = 5


def pure_modules(root: Path) -> list[str]:
    """Return the pure cores' modules by name."""
    return sorted(
        module
        for package in PACKAGES
        for path in (root / package).rglob("*.py")
        if path.name != "__init__.py"
        for module in [".".join(path.relative_to(root).with_suffix("").parts)]
        if not any(module.startswith(f"{folder}.") for folder in LEFT_OUT)
        and is_pure(ast.parse(path.read_text(encoding="utf-8")))
    )


def is_pure(tree: ast.Module) -> bool:
    """Return whether a module decides something and neither imports nor calls what reaches outside."""
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    outside = [name for name in _imported(tree) if not _listed(name)]
    decides = next(islice(mistakes(tree), MISTAKES_MIN - 1, None), None) is not None
    return decides and not (outside or calls & REACHES_OUT or _served(tree))


def _served(tree: ast.Module) -> bool:
    """Return whether a module waits for others or speaks to the database through what it is handed."""
    return any(
        isinstance(node, ast.AsyncFunctionDef)
        or (isinstance(node, ast.arg) and node.arg == "connection")
        or (isinstance(node, ast.Attribute) and node.attr == "connection")
        for node in ast.walk(tree)
    )


def _listed(name: str) -> bool:
    return name in PURE or name.partition(".")[0] in {*PURE, *PACKAGES}


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)
