"""Upkeep of a spool's file outside the daemon: what it holds, saving a damaged one.

``python -m agent.spool.upkeep show FILE`` prints a JSON object, for support.
``python -m agent.spool.upkeep salvage DAMAGED FRESH`` puts every record that is whole, and the connectors,
into a new spool and prints how many records.  A region that cannot be read is narrowed down by halves.
"""

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from agent.record import RecordError, decode_record
from agent.spool.disk import SpoolDisk
from agent.spool.ports import SpoolUnwritable

NO_ROOM = 3
"""Exit status: the disk takes no more, which is no fault of the damaged file."""
IDS_AT_A_TIME = 2_048
UNREADABLE_LIMIT = 4_096
"""Regions that cannot be read; beyond it the rest is given up."""
IDS_LIMIT = 1 << 32
"""Ids are looked for up to here where the file does not say which it holds."""


def show(path: Path) -> dict[str, object]:
    """Return what a spool holds; ``path`` may belong to a running agent."""
    with closing(_open(f"file:{path}?mode=ro", uri=True)) as database:

        def number(query: str, *values: int) -> int | None:
            found: int | None = database.execute(query, values).fetchone()[0]
            return found

        waiting = {
            name: number("SELECT count(*) FROM frame WHERE waiting >> ? & 1", bit)
            for bit, name in database.execute("SELECT bit, name FROM connector ORDER BY bit")
        }
        return {
            "records": number("SELECT count(*) FROM frame"),
            "addresses": number("SELECT count(DISTINCT address) FROM frame"),
            "waiting": waiting,
            "ids": dict(database.execute("SELECT min(id) AS first, max(id) AS last FROM frame").fetchone()),
            "page_bytes": number("PRAGMA page_size"),
            "pages": number("PRAGMA page_count"),
            "owner": next((eui for (eui,) in _readable(database, "SELECT eui FROM owner")), ""),
            "check": database.execute("PRAGMA quick_check(1)").fetchone()[0],
            "schema": [
                sql for (sql,) in database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
            ],
        }


def salvage(damaged: Path, fresh: Path) -> int:
    """Put what is whole in ``damaged`` into a new spool at ``fresh``; return how many records."""
    with closing(_open(str(damaged))) as database, closing(_fresh(database, fresh)) as disk:
        connectors = _readable(database, "SELECT bit, name FROM connector")
        disk.adopt({row["name"]: row["bit"] for row in connectors})
        last = max([row["value"] for row in _readable(database, "SELECT value FROM counter")], default=0)
        if last:
            disk.reserve_ids(last)
        first, beyond = _range(database, last)
        for start in range(first, beyond, IDS_AT_A_TIME):
            whole = {}
            for row in _whole(database, start, min(start + IDS_AT_A_TIME, beyond), [UNREADABLE_LIMIT]):
                record = decode_record(row["body"], row["crc"])
                if start <= record.id < beyond and record.id == row["id"]:
                    whole[record.id] = (record, row["waiting"])
            disk.commit(whole.values(), [])
        return disk.records


def _fresh(damaged: sqlite3.Connection, path: Path) -> SpoolDisk:
    owners = _readable(damaged, "SELECT eui FROM owner")
    return SpoolDisk(path, owner=str(owners[0]["eui"]) if owners else "")


def _open(path: str, *, uri: bool = False) -> sqlite3.Connection:
    database = sqlite3.connect(path, uri=uri)
    database.row_factory = sqlite3.Row
    return database


def _readable(database: sqlite3.Connection, query: str) -> list[sqlite3.Row]:
    try:
        return database.execute(query).fetchall()
    except sqlite3.DatabaseError:
        return []


def _range(database: sqlite3.Connection, last: int) -> tuple[int, int]:
    """Return the ids to look at, as far as the file says."""
    try:
        ids = database.execute("SELECT min(id) AS first, max(id) AS last FROM frame").fetchone()
    except sqlite3.DatabaseError:
        return 1, min(last, IDS_LIMIT) + 1
    return (0, 0) if ids["first"] is None else (ids["first"], min(ids["last"], IDS_LIMIT) + 1)


def _whole(
    database: sqlite3.Connection, start: int, beyond: int, patience: list[int]
) -> Iterator[sqlite3.Row]:
    """Yield the records of [start, beyond) whose bytes are what was written."""
    query = "SELECT * FROM frame WHERE id >= ? AND id < ? ORDER BY id"
    try:
        rows = database.execute(query, (start, beyond)).fetchall()
    except sqlite3.DatabaseError:
        patience[0] -= 1
        if beyond - start > 1 and patience[0] > 0:
            middle = (start + beyond) // 2
            yield from _whole(database, start, middle, patience)
            yield from _whole(database, middle, beyond, patience)
        return
    for row in rows:
        try:
            decode_record(row["body"], row["crc"])
        except (RecordError, TypeError):
            continue
        yield row


def main(arguments: list[str]) -> int:
    """Run one piece of upkeep."""
    match arguments:
        case ["show", path]:
            sys.stdout.write(json.dumps(show(Path(path)), indent=1) + "\n")
        case ["salvage", damaged, fresh]:
            try:
                saved = salvage(Path(damaged), Path(fresh))
            except SpoolUnwritable as error:
                sys.stderr.write(f"{error}\n")
                return NO_ROOM
            sys.stdout.write(f"{saved}\n")
        case _:
            sys.stderr.write(f"{__doc__}\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
