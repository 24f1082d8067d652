"""Write a migration: what the tables of the code have and the migrations do not make.

The migrations build a scratch database, Alembic compares it with the tables, and the difference becomes the
next file by number.  What is written is proved there: upgrade, downgrade, upgrade, no difference left.

The process before may run while the new one starts, so additions and removals are separate files, in separate
releases: *pre* adds what the new code needs, *post* removes what no running code uses.

Sources: Alembic, "Auto Generating Migrations" and ``MigrationContext`` directives.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from fleet.db.base import metadata
from fleet.db.connect import Database, sqlite_url
from fleet.db.migrate import alembic_config, migrate_from_nothing
from fleet.errors import MistakeError

REMOVALS = (ops.DropTableOp, ops.DropColumnOp, ops.DropIndexOp, ops.DropConstraintOp)
MESSAGE_LIMIT = 60
"""Characters of a message; it becomes the file's name."""
_ALEMBIC_REMARK = re.compile(r"^ *# ### .*\n", re.MULTILINE)


def write_revision(message: str, *, removals: bool = False) -> Path:
    """Write the next migration and return its path.

    Args:
        message: what the migration is about, such as "parts of a ticket".
        removals: write what the code has dropped, instead of what it has added.

    Raises:
        MistakeError: there is nothing to write, additions and removals do not fit the choice, rows that are
            there cannot take a new column, or what was written does not run.
    """
    slug = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_")
    if not slug or len(message) > MESSAGE_LIMIT:
        raise MistakeError(f"message: 1 to {MESSAGE_LIMIT} characters, letters or digits among them")
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(Database(sqlite_url(Path(folder) / "scratch.db"))) as scratch,
    ):
        migrate_from_nothing(scratch)
        path = _generate(scratch, message, slug, removals=removals)
        try:
            _prove(scratch)
        except (DBAPIError, MistakeError) as error:
            path.unlink()
            raise MistakeError(f"revision: does not run, nothing is written: {_cause(error)}") from error
    return path


def _generate(scratch: Database, message: str, slug: str, *, removals: bool) -> Path:
    def keep(_context: MigrationContext, _revision: Any, directives: list[Any]) -> None:
        script = directives[0]
        script.upgrade_ops.ops = _chosen(_flat(script.upgrade_ops.ops), removals=removals)
        script.upgrade_ops.reverse_into(script.downgrade_ops)

    with scratch.write() as connection:
        config = alembic_config(connection)
        config.attributes["message"] = message.rstrip(".")
        number = f"{_last(ScriptDirectory.from_config(config)) + 1:04d}"
        made = command.revision(
            config,
            message=f"{'post' if removals else 'pre'}_{slug}",
            autogenerate=True,
            rev_id=number,
            process_revision_directives=keep,
        )
    assert made is not None
    assert not isinstance(made, list)
    path = Path(str(made.path))
    path.write_text(_ALEMBIC_REMARK.sub("", path.read_text(encoding="utf-8")), encoding="utf-8")
    for action in (("check", "--fix", "--quiet"), ("format", "--quiet")):
        subprocess.run([sys.executable, "-m", "ruff", *action, str(path)], check=False)
    return path


def _last(script: ScriptDirectory) -> int:
    return max((int(each.revision) for each in script.walk_revisions()), default=0)


def _flat(operations: Iterable[Any]) -> list[Any]:
    """Return the operations without the grouping by table."""
    flat: list[Any] = []
    for each in operations:
        flat += _flat(each.ops) if isinstance(each, ops.ModifyTableOps) else [each]
    return flat


def _chosen(operations: Sequence[Any], *, removals: bool) -> list[Any]:
    gone = [each for each in operations if isinstance(each, REMOVALS)]
    new = [each for each in operations if not isinstance(each, REMOVALS)]
    if not operations:
        raise MistakeError("revision: the migrations make the tables of the code already")
    if gone and new:
        raise MistakeError(f"revision: adds and removes; keep in the code for one release: {_names(gone)}")
    if gone and not removals:
        raise MistakeError(f"revision: removes {_names(gone)}; take --post once no running code uses it")
    if new and removals:
        raise MistakeError(f"revision: --post only removes, and this adds {_names(new)}")
    if bare := [each for each in new if _breaks_old_rows(each)]:
        raise MistakeError(
            f"revision: NOT NULL needs a server_default for the rows there are: {_names(bare)}"
        )
    return list(operations)


def _breaks_old_rows(operation: Any) -> bool:
    if not isinstance(operation, ops.AddColumnOp):
        return False
    return not operation.column.nullable and operation.column.server_default is None


def _names(operations: Iterable[Any]) -> str:
    return ", ".join(sorted(str(_name(each)) for each in operations))


def _name(operation: Any) -> str:
    match operation:
        case ops.DropColumnOp(table_name=table, column_name=column):
            return f"{table}.{column}"
        case ops.AddColumnOp(table_name=table, column=column):
            return f"{table}.{column.name}"
        case ops.DropIndexOp(index_name=name) | ops.CreateIndexOp(index_name=name):
            return str(name)
        case ops.DropConstraintOp(constraint_name=name):
            return str(name)
        case _:
            return str(operation.table_name)


def _prove(scratch: Database) -> None:
    """Run the newest migration forwards, backwards and forwards again.

    Raises:
        MistakeError: a difference is left.
    """
    with scratch.write() as connection:
        config = alembic_config(connection)
        for step, revision in (
            (command.upgrade, "head"),
            (command.downgrade, "-1"),
            (command.upgrade, "head"),
        ):
            step(config, revision)
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        if left := compare_metadata(context, metadata):
            raise MistakeError(f"a difference is left: {left}")


def _cause(error: Exception) -> str:
    return str(error.orig) if isinstance(error, DBAPIError) else str(error)
