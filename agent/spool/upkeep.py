"""Upkeep of a spool's file outside the daemon, with ``sqlite-utils``: what it holds, saving a damaged one.

``python -m agent.spool.upkeep show FILE`` prints a JSON object, for support.
``python -m agent.spool.upkeep salvage DAMAGED FRESH`` puts every record that is whole, and the connectors,
into a new spool and prints how many records.  A region that cannot be read is narrowed down by halves.
"""

import json
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from agent.record import RecordError, decode_record
from agent.spool.disk import SpoolDisk

IDS_AT_A_TIME = 2_048
UNREADABLE_LIMIT = 4_096
"""Regions that cannot be read; beyond it the rest is given up."""
IDS_LIMIT = 1 << 32
"""Where the file does not say which ids it holds."""

Row = dict[str, Any]


def show(path: Path) -> dict[str, object]:
    """Return what a spool holds; ``path`` may belong to a running agent."""
    database = Database(sqlite3.connect(f"file:{path}?mode=ro", uri=True))
    frames = database["frame"]
    waiting = {
        row["name"]: frames.count_where("waiting >> :bit & 1", {"bit": row["bit"]})
        for row in database["connector"].rows
    }
    return {
        "records": frames.count,
        "addresses": next(database.query("select count(distinct address) as count from frame"))["count"],
        "waiting": waiting,
        "ids": next(database.query("select min(id) as first, max(id) as last from frame")),
        "page_bytes": database.execute("pragma page_size").fetchone()[0],
        "pages": database.execute("pragma page_count").fetchone()[0],
        "check": database.execute("pragma quick_check(1)").fetchone()[0],
        "schema": database.schema,
    }


def salvage(damaged: Path, fresh: Path) -> int:
    """Put what is whole in ``damaged`` into a new spool at ``fresh``; return how many records."""
    database = Database(damaged)
    disk = SpoolDisk(fresh)
    try:
        disk.adopt({row["name"]: row["bit"] for row in _readable(database, "connector")})
        last = max([row["value"] for row in _readable(database, "counter")], default=0)
        if last:
            disk.reserve_ids(last)
        first, beyond = _range(database, last)
        for start in range(first, beyond, IDS_AT_A_TIME):
            rows = list(_whole(database, start, min(start + IDS_AT_A_TIME, beyond), [UNREADABLE_LIMIT]))
            disk.commit([(decode_record(row["body"], row["crc"]), row["waiting"]) for row in rows], [])
        return disk.records
    finally:
        disk.close()


def _readable(database: Database, table: str) -> list[Row]:
    try:
        return list(database[table].rows)
    except sqlite3.DatabaseError:
        return []


def _range(database: Database, last: int) -> tuple[int, int]:
    """Return the ids to look at, as far as the file tells."""
    try:
        told = next(database.query("select min(id) as first, max(id) as last from frame"))
    except sqlite3.DatabaseError:
        return 1, min(last, IDS_LIMIT) + 1
    return (0, 0) if told["first"] is None else (told["first"], min(told["last"], IDS_LIMIT) + 1)


def _whole(database: Database, start: int, beyond: int, patience: list[int]) -> Iterator[Row]:
    """Yield the records of [start, beyond) whose bytes are what was written."""
    try:
        rows = list(database["frame"].rows_where("id >= ? and id < ?", [start, beyond], order_by="id"))
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
            sys.stdout.write(f"{salvage(Path(damaged), Path(fresh))}\n")
        case _:
            sys.stderr.write(f"{__doc__}\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
