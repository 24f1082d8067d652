"""`passerelle fleet db revision` in a copy of the program: what it writes runs forwards and backwards."""

import subprocess
from pathlib import Path

import pytest

from tests.scratch import Copy

SHIFT = "fleet/shift/tables.py"
NEW_TABLE = """
spare_keys = Table(
    "spare_keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("label", String(60), nullable=False, index=True),
)
"""
WALK = """
from contextlib import closing
import sys
from alembic import command
from sqlalchemy import inspect
from fleet.db.connect import Database
from fleet.db.migrate import alembic_config, migrate_from_nothing

with closing(Database(sys.argv[1])) as database:
    migrate_from_nothing(database)
    for step, revision in ((None, ""), (command.downgrade, "-1"), (command.upgrade, "head")):
        with database.write() as connection:
            if step:
                step(alembic_config(connection), revision)
            print("spare_keys" in inspect(connection).get_table_names())
"""


class Schema(Copy):
    """The program, whose tables a test changes."""

    def revision(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `passerelle fleet db revision`."""
        return self.run("python", "-m", "passerelle", "fleet", "db", "revision", *arguments)

    def versions(self) -> list[str]:
        """Return the names of the migrations."""
        return sorted(path.name for path in (self.folder / "fleet/db/migrations/versions").glob("[0-9]*.py"))

    def add(self, text: str) -> None:
        """Add to the tables of the shift log."""
        with (self.folder / SHIFT).open("a", encoding="utf-8") as file:
            file.write(text)


@pytest.fixture(name="copy")
def _copy(tmp_path: Path) -> Schema:
    return Schema(tmp_path / "program", "agent", "fleet", "passerelle")


@pytest.mark.slow
def test_a_new_table_gives_a_migration_that_goes_both_ways(copy: Schema, tmp_path: Path) -> None:
    before = copy.versions()
    copy.add(NEW_TABLE)
    done = copy.revision("Spare keys of a site")
    assert done.returncode == 0, done.stderr
    name = Path(done.stdout.strip()).name
    assert copy.versions() == [*before, name]
    assert name == f"{len(before) + 1:04d}_pre_spare_keys_of_a_site.py"
    text = (copy.folder / "fleet/db/migrations/versions" / name).read_text()
    assert text.startswith('"""Spare keys of a site."""\n')
    assert "###" not in text
    formatted = copy.run("python", "-m", "ruff", "format", "--check", "fleet/db")
    assert formatted.returncode == 0, formatted.stdout
    linted = copy.run("python", "-m", "ruff", "check", "fleet/db")
    assert linted.returncode == 0, linted.stdout
    walked = copy.run("python", "-c", WALK, f"sqlite:///{tmp_path / 'walk.db'}")
    assert walked.stdout.split() == ["True", "False", "True"], walked.stderr


@pytest.mark.slow
def test_what_is_dropped_waits_for_its_own_migration(copy: Schema) -> None:
    refused = copy.revision("Nothing new")
    assert (refused.returncode, "already" in refused.stderr) == (2, True)
    copy.add(NEW_TABLE)
    before = copy.versions()
    wrong = copy.revision("Spare keys", "--post")
    assert (wrong.returncode, "spare_keys" in wrong.stderr, copy.versions()) == (2, True, before)
    assert copy.revision("Spare keys").returncode == 0
    written = copy.versions()
    copy.change(SHIFT, NEW_TABLE, "")
    refused = copy.revision("Spare keys")
    assert (refused.returncode, "--post" in refused.stderr, copy.versions()) == (2, True, written)
    done = copy.revision("Spare keys", "--post")
    assert done.returncode == 0, done.stderr
    assert copy.versions() == [*written, f"{len(written) + 1:04d}_post_spare_keys.py"]


@pytest.mark.slow
def test_a_column_that_old_rows_cannot_have_is_not_written(copy: Schema) -> None:
    before = copy.versions()
    copy.change(SHIFT, "metadata,\n", 'metadata,\n    Column("weight_kg", Integer, nullable=False),\n')
    refused = copy.revision("Weight")
    assert refused.returncode == 2
    assert "NOT NULL" in refused.stderr
    assert copy.versions() == before
