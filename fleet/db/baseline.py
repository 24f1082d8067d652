"""`python -m fleet.db.baseline`: write the first migrations anew from the tables, a file per feature.

Only before the first release: afterwards a change is a migration of its own (``migrate.write_revision``).
"""

import importlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from sqlalchemy import Table

from fleet.db.base import metadata
from fleet.db.connect import Database, sqlite_url
from fleet.db.migrate import FOLDER, migrate_from_nothing, write_revision
from fleet.db.schema import FEATURES, load_tables

_NOISE = re.compile(r"^ *# ### .*\n", re.MULTILINE)


def main() -> int:
    """Write the files and format them."""
    load_tables()
    folder = FOLDER / "versions"
    for old in folder.glob("[0-9]*.py"):
        old.unlink()
    with tempfile.TemporaryDirectory() as scratch:
        database = Database(sqlite_url(Path(scratch) / "baseline.db"))
        for number, (feature, tables) in enumerate(in_order(owners()), start=1):
            path = Path(write_revision(database, feature, f"{number:04d}", tables))
            text = _NOISE.sub("", path.read_text())
            path.write_text(text.replace(f'"""{feature}."""', f'"""Tables of ``fleet.{feature}``."""'))
            migrate_from_nothing(database)
        database.close()
    for action in (("check", "--fix", "--quiet"), ("format", "--quiet")):
        subprocess.run([sys.executable, "-m", "ruff", *action, str(folder)], check=False)
    return 0


def owners() -> dict[str, set[str]]:
    """Return the tables of each feature."""
    found: dict[str, set[str]] = {}
    taken: set[str] = set()
    for feature in FEATURES:
        try:
            module = importlib.import_module(f"fleet.{feature}.tables")
        except ModuleNotFoundError:
            continue
        mine = {one.name for one in vars(module).values() if isinstance(one, Table)} - taken
        taken |= mine
        found[feature] = mine
    return found


def in_order(features: dict[str, set[str]]) -> list[tuple[str, set[str]]]:
    """Return the features so that each comes after those whose tables it points to."""
    waiting, done, ordered = dict(features), set[str](), list[tuple[str, set[str]]]()
    while waiting:
        ready = next((one for one, mine in waiting.items() if _points_to(mine) <= done | mine), None)
        if ready is None:
            raise ValueError(f"tables of {', '.join(waiting)} point to each other in a circle")
        done |= waiting[ready]
        ordered.append((ready, waiting.pop(ready)))
    return ordered


def _points_to(tables: set[str]) -> set[str]:
    return {key.column.table.name for name in tables for key in metadata.tables[name].foreign_keys}


if __name__ == "__main__":
    sys.exit(main())
