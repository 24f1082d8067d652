"""What the agent's READMEs name is there: files and modules; and the floors are the contract's."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
AGENT = ROOT / "agent"
READMES = sorted(AGENT.rglob("README.md"))


def named(text: str, pattern: str) -> list[str]:
    return [name for quoted in re.findall(r"`([^`\n]+)`", text) for name in re.findall(pattern, quoted)]


@pytest.mark.parametrize("readme", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_readme_names_is_there(readme: Path) -> None:
    names = named(readme.read_text(encoding="utf-8"), r"[\w/*.-]+\.(?:py|md|toml)\b")
    bases = (
        readme.parent,
        AGENT,
        ROOT,
        ROOT / "tests",
        ROOT / "tests" / "unit" / "agent" / readme.parent.name,
    )
    missing = [name for name in names if not any(any(base.glob(name)) for base in bases)]
    assert not missing, f"{readme.relative_to(ROOT)} names {missing}"


@pytest.mark.parametrize("readme", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_that_a_readme_names_is_there(readme: Path) -> None:
    missing = []
    for name in set(re.findall(r"\bagent(?:\.[a-z_]+)+", readme.read_text(encoding="utf-8"))):
        parts = name.split(".")
        found = [end for end in range(2, len(parts) + 1) if _is_module(".".join(parts[:end]))]
        if not found or (len(parts) - found[-1]) > 1:
            missing.append(name)
    assert not missing, f"{readme.relative_to(ROOT)} names {missing}"


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def test_every_room_has_a_readme() -> None:
    rooms = {path.parent for path in AGENT.glob("*/__init__.py")}
    assert not [room.name for room in sorted(rooms) if not (room / "README.md").exists()]


def test_the_picture_of_the_floors_is_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    floors = next(
        contract["layers"]
        for contract in contracts["contracts"]
        if contract["type"] == "layers" and contract.get("containers") == ["agent"]
    )
    picture = "\n".join(f"    {floor}" for floor in floors)
    assert f"\n\n{picture}\n\n" in (AGENT / "README.md").read_text(encoding="utf-8")
