"""Which lines of ``requirements.lock`` one role of machine needs; read from this environment's metadata.

Nothing here asks the network: the environment that builds holds what the lock names.
"""

import re
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from packages.environment import MACHINES
from packages.roles import Role

NO_WHEEL = frozenset({"rpi-gpio", "spidev"})
"""For ARM boards only, and nobody publishes them built: no package holds them."""


def lock_of(role: Role, source: Path, project: dict[str, Any], *, python: str, architecture: str) -> str:
    """Return the lines of the lock for what the role's extras bring."""
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *(line for extra in role.extras for line in extras[extra])]
    names = closure(asked, MACHINES[architecture], python) - NO_WHEEL
    return locked((source / "requirements.lock").read_text(), names)


def closure(requirements: Iterable[str], machine: str, python: str = "3.11") -> set[str]:
    """Return every package that comes with ``requirements`` on such a machine.

    Raises:
        LookupError: one is not installed here, so what it brings is unknown.
    """
    environment: dict[str, str] = {**default_environment()}  # type: ignore[dict-item]
    environment |= {"platform_machine": machine, "python_version": python}
    found: set[str] = set()
    waiting = [(requirement, "") for requirement in map(Requirement, requirements)]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({**environment, "extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        known = name in found
        found.add(name)
        try:
            brought = metadata.requires(name) or []
        except metadata.PackageNotFoundError as error:
            if name not in NO_WHEEL:
                raise LookupError(f"{name}: not installed, so what it brings is unknown") from error
            continue
        for under in ("", *requirement.extras):
            if under or not known:
                waiting += [(Requirement(line), under) for line in brought]
    return found


def locked(lock: str, names: set[str]) -> str:
    """Return the lines of a lock, hashes included, that pin ``names``, whatever machine they are for.

    Their markers go: pip would judge them by the machine that builds.

    >>> locked("a==1\\n    --hash=sha256:00\\n    # via b\\nb==2 ; x == 'y'\\n    --hash=sha256:01\\n", {"b"})
    'b==2\\n    --hash=sha256:01'
    """
    kept: list[str] = []
    wanted = False
    for line in lock.splitlines():
        if re.match(r"[A-Za-z0-9]", line):
            wanted = canonicalize_name(line.partition("==")[0]) in names
        if wanted and not line.lstrip().startswith("#"):
            kept.append(re.sub(r" ;[^\\]*(?= \\|$)", "", line))
    return "\n".join(kept)
