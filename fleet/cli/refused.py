"""`passerelle fleet refused`: what gateways sent that could not be used, and why."""

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import msgspec
from sqlalchemy import Connection, select
from typer import Option

from fleet.evidence.tables import counters, refused_messages
from fleet.lang.paris import paris

SHOWN = 100


def refused(
    data: Annotated[Path, Option("--data", help="Folder of this fleet.", file_okay=False)],
    limit: Annotated[int, Option(min=1, max=1_000, help="The newest so many.")] = SHOWN,
    as_json: Annotated[bool, Option("--json", help="One object a line, for machines.")] = False,
) -> None:
    """List the newest messages that were refused, with the reason; all of them are counted."""
    from fleet.cli.commands import open_fleet

    _, database = open_fleet(data)
    with closing(database), database.read() as connection:
        found, total = newest(connection, limit), count(connection)
    for one in found:
        if as_json:
            print(msgspec.json.encode(one).decode())
        else:
            at = paris(one["recorded_at_us"])
            print(f"{at:%Y-%m-%d %H:%M:%S} {one['topic']} ({one['payload_bytes']} bytes): {one['reason']}")
    if not as_json:
        print(f"{len(found)} shown of {total} refused since installation")


def newest(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """Return the newest refused messages, newest first."""
    table = refused_messages.c
    query = select(table.recorded_at_us, table.topic, table.payload_bytes, table.reason)
    rows = connection.execute(query.order_by(table.id.desc()).limit(limit)).mappings()
    return [dict(row) for row in rows]


def count(connection: Connection) -> int:
    """Return how many messages were refused since installation."""
    return connection.scalar(select(counters.c.value).where(counters.c.name == "refused")) or 0
