"""Every import contract of pyproject.toml can break: one import against each is found, all in one run."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LINTER = PROJECT["tool"]["importlinter"]
RUN_LIMIT_S = 480
pytestmark = pytest.mark.slow


def against(contract: dict[str, Any]) -> tuple[str, str]:
    """Return a module and what it must not import by the contract."""
    match contract["type"]:
        case "forbidden":
            return contract["source_modules"][0], contract["forbidden_modules"][0]
        case "layers":
            top, bottom = (contract["layers"][index].split(" | ")[0].strip() for index in (0, -1))
            container = contract["containers"][0]
            return f"{container}.{bottom}", f"{container}.{top}"
        case "acyclic_siblings":
            return circle(contract["ancestors"][0])
    raise AssertionError(f"{contract['name']}: no way to break a contract of type {contract['type']}")


def circle(ancestor: str) -> tuple[str, str]:
    """Return two siblings of which the second imports the first."""
    folder = ROOT / ancestor.replace(".", "/")
    rooms = {
        path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    for importer in sorted(rooms):
        for path in [folder / f"{importer}.py", *sorted((folder / importer).rglob("*.py"))]:
            text = path.read_text(encoding="utf-8") if path.exists() else ""
            for imported in sorted(rooms - {importer, "__init__"}):
                if f"from {ancestor}.{imported} import" in text or f"from {ancestor}.{imported}." in text:
                    return f"{ancestor}.{imported}", f"{ancestor}.{importer}"
    raise AssertionError(f"{ancestor}: no sibling imports another")


def file_of(folder: Path, module: str) -> Path:
    path = folder / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def lint(folder: Path) -> str:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=RUN_LIMIT_S,
        env=os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "400"},
        check=False,
    )
    return done.stdout + done.stderr


def test_an_import_against_each_contract_is_found(tmp_path: Path) -> None:
    for package in LINTER["root_packages"]:
        shutil.copytree(
            ROOT / package,
            tmp_path / package,
            ignore=lambda _, names: [n for n in names if n == "node_modules"],
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for contract in LINTER["contracts"]:
        module, forbidden = against(contract)
        with file_of(tmp_path, module).open("a", encoding="utf-8") as source:
            source.write(f"\nimport {forbidden}\n")
    report = lint(tmp_path)
    unbroken = [it["name"] for it in LINTER["contracts"] if f"{it['name']} BROKEN" not in report]
    assert unbroken == [], report[-2000:]
