"""What a README states and a machine can look up: files, modules, constants with their values, commands."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGES = ("hal", "firmware", "agent", "fleet", "provisioning", "demo", "passerelle")
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)")
CONSTANT = re.compile(r"(?:(?P<module>[a-z][a-z0-9_./]*)[. ])?(?P<name>[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)")
MODULE = re.compile(rf"(?:{'|'.join(PACKAGES)})(?:\.[a-z][a-z0-9_]*)+")
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
    found = [
        path for folder in folders for path in folder.rglob("README.md") if "node_modules" not in path.parts
    ]
    return sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "docs/architecture.md", *found])


def statements(readme: Path, text: str = "") -> Iterator[Statement]:
    """Yield what stands in backticks, outside blocks of code."""
    fenced = False
    for number, line in enumerate((text or read(readme)).splitlines(), start=1):
        fenced ^= line.startswith("```")
        if not fenced and not line.startswith("    "):
            for text in CODE.findall(line):
                yield Statement(readme, number, line, text)


def read(readme: Path) -> str:
    """Return the text of a README."""
    return readme.read_text(encoding="utf-8")


def complaints(readme: Path, text: str) -> list[str]:
    """Return everything that is false in a text, were it that of ``readme``."""
    checks = (missing_links, missing_files, missing_modules, wrong_constants, refused_commands)
    return [complaint for check in checks for complaint in check(readme, text)]


def missing_links(readme: Path, text: str = "") -> list[str]:
    """Return links to files that are not there."""
    text = text or read(readme)
    return [link for link in LINK.findall(text) if ":" not in link and not (readme.parent / link).exists()]


def missing_files(readme: Path, text: str = "") -> list[str]:
    """Return files that a README names and nobody has."""
    return [
        str(each)
        for each in statements(readme, text)
        if FILE.fullmatch(each.text) and not each.text.startswith(FOREIGN) and not _is_file(each)
    ]


def _is_file(each: Statement) -> bool:
    folder, wanted = each.readme.parent, each.text.strip("/").replace("VERSION", "*")
    if any(any((ROOT / start).glob(wanted)) for start in (folder, ".", "tests")):
        return True
    ending = wanted.rpartition("/")[2] if "*" in wanted else wanted
    if any(path.match(ending) for path in (*_all_below(folder), *_all_below(ROOT / "tests"))):
        return True
    return not wanted.endswith(".py") and _quoted(wanted)


@cache
def _quoted(name: str) -> bool:
    """Return whether a program of ours writes or reads a file of that name."""
    folders = [ROOT / package for package in PACKAGES]
    sources = [path for folder in folders for path in _all_below(folder) if path.suffix == ".py"]
    return any(name in path.read_text(encoding="utf-8") for path in sources)


@cache
def _all_below(folder: Path) -> tuple[Path, ...]:
    return tuple(path for path in folder.rglob("*") if not {"node_modules", "__pycache__"} & set(path.parts))


def missing_modules(readme: Path, text: str = "") -> list[str]:
    """Return dotted names of ours that lead to no module and no name in one."""
    return [str(each) for each in statements(readme, text) if not _is_module(each)]


def _is_module(each: Statement) -> bool:
    dotted = each.text.partition("(")[0]
    if not MODULE.fullmatch(dotted) or FILE.fullmatch(dotted) or CONSTANT.fullmatch(dotted):
        return True
    path = ROOT.joinpath(*dotted.split("."))
    if path.is_dir() or path.with_suffix(".py").exists():
        return True
    parts = dotted.split(".")
    for cut in range(len(parts) - 1, 1, -1):
        owner = ROOT.joinpath(*parts[:cut])
        for file in (owner.with_suffix(".py"), owner / "__init__.py"):
            if file.exists():
                words = set(re.findall(r"\w+", file.read_text(encoding="utf-8")))
                return set(parts[cut:]) <= words
    return False


@cache
def constants(path: Path) -> dict[str, object]:
    """Return the named numbers of a file, those made of others in it or of ``fleet.durations`` too."""
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
        return eval(text, {"__builtins__": {}}, names)
    except Exception:  # noqa: BLE001 not a number: nothing to compare
        return None


def wrong_constants(readme: Path, text: str = "") -> list[str]:
    """Return constants that nobody has, and those whose value the line of a table does not tell."""
    return [str(each) for each in statements(readme, text) if not _holds(each)]


def _holds(each: Statement) -> bool:
    match = CONSTANT.fullmatch(each.text)
    if match is None:
        return True
    module, name = match["module"], match["name"]
    values = [constants(path)[name] for path in _files(each, module) if name in constants(path)]
    if module is None and not values:
        return name in _words(ROOT if name.startswith("PASSERELLE_") else each.readme.parent)
    shown = set().union(*(shown_as(name, value) for value in values)) if values else set()
    if not values or not shown or not each.line.startswith("|"):
        return bool(values)
    line = each.line.replace(",", "").replace("\u202f", " ").replace("\u00a0", " ")
    return any(re.search(rf"(?<![\d.]){re.escape(one.replace(',', ''))}(?![\d])", line) for one in shown)


def _files(each: Statement, module: str | None) -> list[Path]:
    folder = each.readme.parent
    found = _all_below(folder) if module is None else _modules(folder, module)
    return [path for path in found if path.suffix == ".py"]


@cache
def _words(folder: Path) -> frozenset[str]:
    names = [folder / name for name in PACKAGES] if folder == ROOT else [folder]
    sources = [path for each in names for path in _all_below(each) if path.suffix in (".py", ".js")]
    return frozenset(re.findall(r"\w+", "\n".join(path.read_text(encoding="utf-8") for path in sources)))


def _modules(folder: Path, module: str) -> list[Path]:
    relative = Path(*module.removesuffix(".py").replace("/", ".").split(".")).with_suffix(".py")
    return [place / relative for place in (folder, folder.parent, ROOT) if (place / relative).exists()] or [
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


COMMAND = re.compile(r"passerelle fleet ([a-z][^`\n#]*)")
MARKS = re.compile(r"[\[\]{}…,]")
ENDS = ("|", "&&", "&", ">")


def refused_commands(readme: Path, text: str = "") -> list[str]:
    """Return commands of ``passerelle fleet`` whose name or option does not exist."""
    lines = COMMAND.findall(text or read(readme))
    where = readme.relative_to(ROOT)
    return [f"{where}: {line}" for line in lines if not fleet_accepts(MARKS.sub(" ", line).split())]


def fleet_accepts(words: list[str]) -> bool:
    """Return whether a command of ``passerelle fleet`` and its options exist, whatever their values."""
    command = _fleet()
    for index, word in enumerate(words):
        if word in ENDS:
            return True
        is_value = index > 0 and words[index - 1].startswith("--")
        if hasattr(command, "commands") and not word.startswith("--") and not is_value:
            names = word.split("|")
            if not set(names) <= set(command.commands):
                return False
            if len(names) > 1:
                return True
            command = command.commands[word]
        elif word.startswith("--"):
            known = {option for parameter in command.params for option in parameter.opts}
            if word.partition("=")[0] not in known:
                return False
        elif index > 0 and word.islower() and word.isalpha() and words[index - 1].isalpha():
            return True  # the sentence goes on
    return True


@cache
def _fleet() -> Any:
    from typer.main import get_command

    from fleet.cli.main import app

    return get_command(app)
