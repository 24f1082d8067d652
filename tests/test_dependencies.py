"""What is installed where: extras name what is imported, a gateway stays light, private parts stay private.

Nothing here asks the network: the closure of an extra is read from the metadata of this environment, whose
packages are those of ``requirements.lock``.
"""

import ast
import importlib
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from threading import Thread

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from packages.closure import closure

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
LOCKED = {
    canonicalize_name(line.partition("==")[0])
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    if re.match(r"[A-Za-z0-9]", line)
}
OURS = ("hal", "firmware", "agent", "fleet", "provisioning", "demo", "passerelle")
CORE = "dependencies"
BENCHED = {"packages"}
"""What builds packages; the benches of ``passerelle``, which no package ships, measure what it makes."""
SERVED = {
    CORE: ("agent", "fleet", "provisioning"),
    "gateway": ("hal", "agent"),
    "provisioning": ("provisioning",),
    "fleet": ("fleet",),
    "sign": ("fleet",),
    "balena": ("fleet",),
    "chirpstack": ("fleet",),
    "demo": ("demo",),
}
"""Extra → the packages whose imports it must be there for; ``dev`` holds programs and the tests' judges."""
MODULES = {
    "argon2-cffi": "argon2",
    "balena-sdk": "balena",
    "chirpstack-api": "chirpstack_api",
    "grpcio": "grpc",
    "paho-mqtt": "paho",
    "prometheus-client": "prometheus_client",
    "pyserial": "serial",
    "rpi-gpio": "RPi",
    "sqlite-utils": "sqlite_utils",
}
"""Distribution → the module it is imported by, where that is not its name in small letters."""
BY_NAME = {
    "iotcore": ("demo/servers.py", '"iotcore"', "started as `python -m iotcore`"),
    "psycopg": ("fleet", '"postgresql"', "SQLAlchemy loads the driver that the address names"),
    "python-multipart": ("fleet", "Form(", "FastAPI loads it for forms and uploads"),
}
"""Loaded by another library: where, by which text, why."""
BROUGHT = {"markupsafe": "jinja2", "pydantic": "fastapi", "starlette": "fastapi"}
"""Module → the dependency whose documentation has users import it."""
MISSION = (
    *("pyserial", "spidev", "RPi.GPIO", "paho-mqtt", "balena-sdk", "fastapi", "sqlite-utils", "psutil"),
    "tenacity",
)
"""Packages that the mission names: each does real work in one of ours."""
GATEWAY_PACKAGES_LIMIT = 30
BALLAST = {"pip", "setuptools", "fastapi", "starlette", "uvicorn", "sqlalchemy", "jinja2", "typer", "rich"}
MACHINES = ("aarch64", "armv7l", "x86_64")


def files(*packages: str) -> Iterator[Path]:
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "node_modules" not in path.parts:
                yield path


def imports(path: Path) -> set[str]:
    """Return the top-level modules that a file imports, late ones and those for types too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


@cache
def imported(package: str) -> set[str]:
    """Return what one of our packages imports, looked up once and only where a test wants it."""
    return set().union(*map(imports, files(package)))


def module_of(requirement: str) -> str:
    name = canonicalize_name(Requirement(requirement).name)
    return MODULES.get(name, name.replace("-", "_"))


def is_used(requirement: str, packages: tuple[str, ...]) -> bool:
    """Return whether one of ``packages`` imports it, or names it where another library loads it."""
    name = canonicalize_name(Requirement(requirement).name)
    if name in BY_NAME:
        folder, text, _ = BY_NAME[name]
        found = [ROOT / folder] if folder.endswith(".py") else files(folder)
        return folder.split("/")[0] in packages and any(text in path.read_text("utf-8") for path in found)
    return any(module_of(requirement) in imported(package) for package in packages)


def declared(extra: str) -> list[str]:
    listed: list[str] = PROJECT[CORE] if extra == CORE else EXTRAS[extra]
    return [line for line in listed if canonicalize_name(Requirement(line).name) != "passerelle"]


@pytest.mark.parametrize("extra", SERVED)
def test_every_dependency_is_imported_by_the_packages_it_serves(extra: str) -> None:
    unused = [line for line in declared(extra) if not is_used(line, SERVED[extra])]
    assert not unused, f"{extra}: {unused} are imported by none of {SERVED[extra]}"


def test_every_extra_is_judged() -> None:
    assert set(EXTRAS) == set(SERVED) - {CORE} | {"dev"}


def test_an_unused_dependency_breaks_the_rule() -> None:
    assert is_used("paho-mqtt>=2", ("agent",))
    assert not is_used("authlib>=1.4", ("fleet",))
    assert not is_used("tenacity>=9", ("agent",))
    assert not is_used("psycopg[binary]>=3", ("agent",))


@pytest.mark.parametrize("package", OURS)
def test_every_import_comes_from_a_declared_dependency(package: str) -> None:
    extras = [extra for extra, packages in SERVED.items() if package in packages]
    given = {module_of(line) for extra in {*extras, CORE} for line in declared(extra)}
    if package in ("demo", "passerelle"):
        given |= {module_of(line) for lines in EXTRAS.values() for line in lines}
    given |= {module for module, bringer in BROUGHT.items() if bringer in given}
    built_with = BENCHED if package == "passerelle" else set()
    missing = sorted(imported(package) - set(OURS) - sys.stdlib_module_names - given - built_with)
    assert not missing, f"{package} imports {missing}, which none of its extras names"


@pytest.mark.parametrize("machine", MACHINES)
def test_a_gateway_stays_light(machine: str) -> None:
    found = closure([*PROJECT[CORE], *EXTRAS["gateway"]], machine)
    assert len(found) + len(("passerelle",)) <= GATEWAY_PACKAGES_LIMIT, sorted(found)
    assert not found & BALLAST, sorted(found & BALLAST)
    assert found - {"rpi-gpio", "spidev"} <= LOCKED


def test_ballast_would_be_seen() -> None:
    assert "pip" in closure([*EXTRAS["gateway"], "sqlite-utils"], "aarch64")
    assert {"starlette", "pydantic"} <= closure(["fastapi"], "aarch64")
    assert {"spidev", "rpi-gpio"} <= closure(EXTRAS["gateway"], "armv7l")
    assert not {"spidev", "rpi-gpio"} & closure(EXTRAS["gateway"], "x86_64")


@pytest.mark.parametrize("name", MISSION)
def test_the_missions_packages_do_real_work(name: str) -> None:
    extras = [extra for extra in SERVED for line in declared(extra) if Requirement(line).name == name]
    assert extras, f"{name}: in no extra"
    assert any(is_used(name, SERVED[extra]) for extra in extras)


PUBLIC = {"os._exit": "documented: ends a process without running handlers"}


def private_reach(tree: ast.Module) -> list[str]:
    """Return what is read with one underscore from anything but ``self``, ``cls`` and ``super()``."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            if ast.unparse(node.value) not in ("self", "cls", "super()"):
                found.append((node.lineno, ast.unparse(node)))
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [*node.module.split("."), *(alias.name for alias in node.names)]
            ours = node.module.split(".")[0] in OURS
            found += [
                (node.lineno, f"{node.module}: {name}") for name in names if is_private(name) and not ours
            ]
    return [f"{line}: {text}" for line, text in found if text not in PUBLIC]


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("_")


def private_names(node: ast.ClassDef) -> set[str]:
    """Return the private names that a class defines: methods, values, and what it sets on ``self``."""
    names = {item.name for item in node.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)}
    for item in ast.walk(node):
        if isinstance(item, ast.Attribute) and isinstance(item.ctx, ast.Store):
            names |= {item.attr} if ast.unparse(item.value) == "self" else set()
        elif isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store):
            names.add(item.id)
    return {name for name in names if is_private(name)}


def overridden(node: ast.ClassDef, kind: type) -> list[str]:
    """Return the private names of foreign classes that ``kind``, written as ``node``, defines again."""
    ours = (*OURS, "builtins", "typing")
    foreign = [base for base in kind.__mro__[1:] if base.__module__.split(".")[0] not in ours]
    mine = sorted(private_names(node))
    return [
        f"{node.name}.{name} of {base.__name__}" for name in mine for base in foreign if name in vars(base)
    ]


SOURCES = [path.relative_to(ROOT) for path in files(*OURS) if "migrations" not in path.parts]


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_nobody_reaches_into_private_parts(path: Path) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    found = private_reach(tree)
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.bases]
    if any(private_names(node) for node in classes):
        module = importlib.import_module(".".join(path.with_suffix("").parts))
        found += [text for node in classes for text in overridden(node, getattr(module, node.name))]
    assert not found, f"{path}: {found}: use what the library documents"


def test_reaching_in_breaks_the_rule() -> None:
    assert private_reach(ast.parse("client._keepalive = 5")) == ["1: client._keepalive"]
    assert private_reach(ast.parse("self._client._client.socket()")) == ["1: self._client._client"]
    assert private_reach(ast.parse("from paho.mqtt import _private")) == ["1: paho.mqtt: _private"]
    assert private_reach(ast.parse("self._mine = super()._yours")) == []
    assert private_reach(ast.parse("from agent.x import _own")) == []
    assert private_reach(ast.parse("os._exit(1)")) == []


def test_overriding_a_private_part_breaks_the_rule() -> None:
    class Plain(Thread):
        def __init__(self) -> None:
            super().__init__()
            self._mine = 1

    class Deep(Thread):
        def _bootstrap(self) -> None:
            self._mine = 1

    assert overridden(written("class Plain(Thread):\n  def f(self): self._mine = 1"), Plain) == []
    deep = written("class Deep(Thread):\n  def _bootstrap(self): self._mine = 1")
    assert overridden(deep, Deep) == ["Deep._bootstrap of Thread"]


def written(text: str) -> ast.ClassDef:
    node = ast.parse(text).body[0]
    assert isinstance(node, ast.ClassDef)
    return node
