"""What a README states and a machine can look up: files, modules, constants with their values, commands."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("hal", "firmware", "agent", "fleet", "provisioning", "demo", "passerelle")
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)")
CONSTANT = re.compile(r"(?:(?P<module>[a-z][a-z0-9_./]*)[. ])?(?P<name>[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)")
MODULE = re.compile(r"(?:%s)(?:\.[a-z][a-z0-9_]*)+" % "|".join(PACKAGES))
FILE = re.compile(r"(?:[\w./-]*/)?[\w-]+\.(?:py|toml|js|mjs|html|css|json|service|md)|[\w./-]+/")
FOREIGN = ("http", "/", "~", "DIR/")


@dataclass(frozen=True, slots=True)
class Statement:
    """One word of a README in backticks, with the line it stands in."""

    readme: Path
    number: int
    line: str
    text: str

    def __str__(self) -> str:
        return f"{self.readme.relative_to(ROOT)}:{self.number}: `{self.text}`"


def readmes() -> list[Path]:
    """Return every README of ours, and the documents at the root."""
    folders = [ROOT / name for name in (*PACKAGES, "docs", "tests")]
    found = [path for folder in folders for path in folder.rglob("README.md") if "node_modules" not in path.parts]
    return sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "docs/architecture.md", *found])


def statements(readme: Path) -> Iterator[Statement]:
    """Yield what stands in backticks, outside blocks of code."""
    fenced = False
    for number, line in enumerate(readme.read_text(encoding="utf-8").splitlines(), start=1):
        fenced ^= line.startswith("```")
        if not fenced and not line.startswith("    "):
            for text in CODE.findall(line):
                yield Statement(readme, number, line, text)


def missing_links(readme: Path) -> list[str]:
    """Return links to files that are not there."""
    text = readme.read_text(encoding="utf-8")
    return [link for link in LINK.findall(text) if ":" not in link and not (readme.parent / link).exists()]


def missing_files(readme: Path) -> list[str]:
    """Return files that a README names and nobody has."""
    return [
        str(each)
        for each in statements(readme)
        if FILE.fullmatch(each.text) and not each.text.startswith(FOREIGN) and not _is_file(each)
    ]


def _is_file(each: Statement) -> bool:
    folder = each.readme.parent
    places = (folder, ROOT, folder / "decisions", folder / "assets/scripts", ROOT / "tests", folder / "static")
    if any((place / each.text).exists() for place in places):
        return True
    return any(path.as_posix().endswith("/" + each.text.strip("/")) for path in _all_below(folder))


@cache
def _all_below(folder: Path) -> tuple[Path, ...]:
    return tuple(path for path in folder.rglob("*") if not {"node_modules", "__pycache__"} & set(path.parts))


def missing_modules(readme: Path) -> list[str]:
    """Return dotted names of ours that lead to no module and no name in one."""
    found = []
    for each in statements(readme):
        text = each.text.split("(")[0]
        if MODULE.match(text) and (m := MODULE.match(text)) and m.end() == len(text) and not _is_module(text):
            found.append(str(each))
    return found


def _is_module(dotted: str) -> bool:
    path = ROOT.joinpath(*dotted.split("."))
    if path.is_dir() or path.with_suffix(".py").exists():
        return True
    owner, _, name = dotted.rpartition(".")
    file = ROOT.joinpath(*owner.split(".")).with_suffix(".py")
    package = ROOT.joinpath(*owner.split("."), "__init__.py")
    return any(re.search(rf"\b{name}\b", path.read_text(encoding="utf-8")) for path in (file, package) if path.exists())


@cache
def constants(path: Path) -> dict[str, object]:
    """Return the named numbers of a file, those made from others of the same file or of ``fleet.durations``."""
    known: dict[str, object] = dict(_durations())
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and value is not None and not isinstance(node, ast.AugAssign):
            known[target.id] = _value(value, known)
    return known


def _durations() -> dict[str, object]:
    second = 1_000_000
    return {"SECOND_US": second, "MINUTE_US": 60 * second, "HOUR_US": 3600 * second, "DAY_US": 86400 * second}


def _value(node: ast.expr, known: dict[str, object]) -> object:
    try:
        text = ast.unparse(node)
        names = {name: value for name, value in known.items() if isinstance(value, int | float)}
        return eval(text, {"__builtins__": {}}, names)  # noqa: S307 our own source, numbers only
    except Exception:  # noqa: BLE001 not a number: nothing to compare
        return None


def constant_named(each: Statement) -> list[tuple[str, object]] | None:
    """Return the values of a constant in the files that may hold it; None: no constant is named."""
    match = CONSTANT.fullmatch(each.text)
    if match is None:
        return None
    module, name = match["module"], match["name"]
    files = _all_below(each.readme.parent) if module is None else _modules(each.readme.parent, module)
    return [
        (str(path.relative_to(ROOT)), constants(path)[name])
        for path in files
        if path.suffix == ".py" and name in constants(path)
    ]


def _modules(folder: Path, module: str) -> list[Path]:
    relative = Path(*module.removesuffix(".py").replace("/", ".").split(".")).with_suffix(".py")
    return [place / relative for place in (folder, ROOT) if (place / relative).exists()] or [
        path for path in _all_below(folder) if path.as_posix().endswith(f"/{relative.as_posix()}")
    ]


def shown_as(name: str, value: object) -> set[str]:
    """Return how a README may write a constant: ``2 min`` for 120,000,000 µs, ``16 KiB``, ``1,000``."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return set()
    shown = {f"{value:,}", str(value)}
    units = {"US": 1, "MS": 1_000, "S": 1_000_000}
    last = name.rsplit("_", 1)[-1]
    if last in units:
        us = value * units[last]
        for word, size in (("ms", 1e3), ("s", 1e6), ("min", 6e7), ("h", 3.6e9), ("days", 8.64e10)):
            shown.add(f"{us / size:,.10g} {word}")
        shown |= {f"{us / 8.64e10:,.10g} day", f"{us / 8.64e10:,.10g}"}
    if last in ("BYTES", "CHARACTERS", "ROWS"):
        for word, size in (("KiB", 1024), ("MiB", 1024**2), ("MB", 1024**2), ("MB", 1e6), ("kB", 1e3)):
            shown.add(f"{value / size:,.10g} {word}")
    if isinstance(value, float):
        shown.add(f"{value * 100:,.10g} %")
    return shown
