"""Every test that needs a database, once more with PostgreSQL in the place of SQLite.

The tests themselves are the same: ``tests.unit.fleet.founded`` gives them a database of the server named by
PASSERELLE_TEST_POSTGRESQL.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgresql import postgresql

ROOT = Path(__file__).parents[2]
OPTIONS = ("-q", "-p", "no:cacheprovider", "-o", "addopts=", "--import-mode=importlib", "-m", "not soak")
FEW = (
    "evidence/test_load.py",
    "test_retention.py",
    "months/test_closer.py",
    "registry/test_store.py",
    "territory/test_bounds.py",
)
"""What every change is tried with; the others run with the long tests."""
SQLITE_ONLY = ("--ignore=tests/unit/fleet/db", "--ignore=tests/unit/fleet/web/test_pages.py")
"""Files of SQLite itself; pages read through the stores that the other tests try."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as running:
        yield running.get_uri()


def run(server: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "pytest", *OPTIONS, *arguments],
        cwd=ROOT,
        env=os.environ | {"PASSERELLE_TEST_POSTGRESQL": server},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_evidence_and_the_registry(server: str) -> None:
    ended = run(server, "-k", "not grows", *(f"tests/unit/fleet/{name}" for name in FEW))
    assert ended.returncode == 0, ended.stdout[-4000:]
    assert " skipped" not in ended.stdout


@pytest.mark.soak
def test_every_other_store(server: str) -> None:
    ended = run(server, "tests/unit/fleet", *SQLITE_ONLY)
    assert ended.returncode == 0, ended.stdout[-4000:]
