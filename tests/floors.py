"""The floors of a package as a table, from its import contract and the docstring of each room."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- floors of {package} -->", "<!-- end of floors -->"
BLOCK = re.compile(
    r"<!-- floors of (?P<package>[\w.]+) -->\n(?P<table>.*?)<!-- end of floors -->\n", re.DOTALL
)


@cache
def contracts() -> list[dict[str, Any]]:
    """Return the import contracts of the project."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = project["tool"]["importlinter"]["contracts"]
    return found


def floors(package: str) -> list[list[str]]:
    """Return the rooms of each floor of a package, the top first."""
    (contract,) = [one for one in contracts() if one["type"] == "layers" and one["containers"] == [package]]
    rooms = [[room.strip(" ()") for room in layer.split("|")] for layer in contract["layers"]]
    return [[room for room in floor if _file(package, room).exists()] for floor in rooms]


def _file(package: str, room: str) -> Path:
    path = ROOT.joinpath(*package.split("."), room)
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def table(package: str) -> str:
    """Return the floors of a package as a table, the top first."""
    lines = ["| floor | room | what it is |", "|---|---|---|"]
    whole = floors(package)
    for number, rooms in zip(range(len(whole), 0, -1), whole, strict=True):
        lines += [f"| {number} | `{room}` | {_first_line(_file(package, room))} |" for room in sorted(rooms)]
    return "\n".join(lines) + "\n"


def _first_line(path: Path) -> str:
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return said.partition("\n\n")[0].replace("\n", " ").replace("``", "`").replace("|", "\\|").rstrip(".")


def renewed(text: str) -> str:
    """Return a document with its tables of floors made anew."""
    return BLOCK.sub(
        lambda found: f"{BEGIN.format(package=found['package'])}\n\n{table(found['package'])}\n{END}\n", text
    )


def imports_of(package: str) -> set[str]:
    """Return which packages of ours a package may import, by the contracts that forbid the others."""
    ours = {"hal", "firmware", "agent", "fleet", "provisioning", "demo"}
    mine = [one for one in contracts() if one.get("source_modules") == [package]]
    whole = [one for one in mine if not one.get("allow_indirect_imports")]
    forbidden = {name for one in whole for name in one["forbidden_modules"]}
    allowed = {name for name in ours - {package} if name not in forbidden and f"{name}.*" not in forbidden}
    return allowed | {f"{name}.wire" for name in ours if f"{name}.*" in forbidden}
