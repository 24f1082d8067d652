"""Machines that boot: only as root, with what `make test` installs."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from packages.build import ROOT
from packages.build import build as build_package
from packages.roles import ROLES
from tests.booted.base import GATEWAY, SERVER, base_folder
from tests.booted.card import Card
from tests.booted.machine import Machine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip loudly where nobody may boot a container."""
    if os.geteuid() != 0:
        reason = "only root boots a container: NO UNIT IS BOOTED, THE GUIDE IS NOT EXECUTED"
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Packages of this tree, by role."""
    folder = tmp_path_factory.mktemp("packages")
    return {name: build_tree(name, folder) for name in ("agent", "fleet")}


def build_tree(
    name: str, output: Path, *, source: Path = ROOT, version: str = "", release: str = "12"
) -> Path:
    """Return the package of one role for a release of Debian, of this tree or another."""
    return build_package(
        ROLES[name],
        source=source,
        release=release,
        architecture="amd64",
        output=output,
        version=version,
        quick=True,
    )


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Machines"]:
    """What makes machines; they end with the module."""
    made = Machines(tmp_path_factory.mktemp("machines"))
    yield made
    made.end()


class Machines:
    """Machines and cards of one module."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._machines: list[Machine] = []
        self._cards: list[Card] = []

    def server(self, release: str = "12") -> Machine:
        """Return a server that is not booted yet."""
        return self._new(base_folder(SERVER, release))

    def gateway(self, release: str = "12") -> Machine:
        """Return a gateway's computer that is not booted yet."""
        return self._new(base_folder(GATEWAY, release))

    def _new(self, base: Path) -> Machine:
        made = Machine(base, self._folder / str(len(self._machines)))
        self._machines.append(made)
        return made

    def card(self, order: Path) -> Card:
        """Return a card, flashed for an order as an installer does it."""
        image = self._folder / f"card-{len(self._cards)}.img"
        command = ["provision", "flash", "--order", str(order), "--output", str(image)]
        subprocess.run(
            [sys.executable, "-m", "passerelle", *command], check=True, capture_output=True, cwd=ROOT
        )
        made = Card(image)
        self._cards.append(made)
        return made

    def end(self) -> None:
        """Give everything back."""
        for machine in reversed(self._machines):
            machine.remove()
        for card in self._cards:
            card.eject()
