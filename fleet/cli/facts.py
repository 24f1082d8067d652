"""`passerelle fleet facts export|schema`, `compute`: anyone can check a month; `refused`: what is not in it.

``compute`` needs no database and no network: the same facts give the same figures and hash on any machine.
"""

import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, select
from typer import Argument, Option

from fleet.availability import document, result
from fleet.availability.reckoning import reckon
from fleet.cli.folder import Data
from fleet.evidence.tables import counters, refused_messages
from fleet.facts.months import month_of
from fleet.lang.paris import paris

facts = typer.Typer(no_args_is_help=True, help="A month's facts, for anyone who wants to check it.")
months = typer.Typer(no_args_is_help=True, help="Closed months and their versions.")
WIDTH = 110
SHOWN = 100


@facts.command()
def export(
    data: Data,
    month: Annotated[str, Option(help="Such as 2026-10; the present month by default.")] = "",
    version: Annotated[int, Option(min=0, help="Of a closed month; 0: the newest.")] = 0,
) -> None:
    """Write the facts of a month as NDJSON to standard output: of a closed month those of its version."""
    from fleet.cli.commands import open_fleet
    from fleet.clock import SystemClock
    from fleet.months.inputs import load_month
    from fleet.months.versions import version_of

    settings, database = open_fleet(data)
    now_us = SystemClock().now_us()
    month = month or month_of(now_us)
    with closing(database), database.read() as connection:
        closed = version_of(connection, month, version)
        if closed is None and version:
            raise ValueError(f"--version: {month} has no version {version}")
        lines: Iterable[bytes] = (
            document.write(load_month(connection, month, settings.contract, now_us))
            if closed is None
            else closed.facts
        )
    for line in lines:
        sys.stdout.write(line.decode())


@facts.command()
def schema() -> None:
    """Print the JSON Schema of one line of an export."""
    print(msgspec.json.format(msgspec.json.encode(document.schema()), indent=1).decode())


@months.command("close")
def close_(
    data: Data,
    month: Annotated[str, Argument(help="Such as 2026-10.")],
) -> None:
    """Close a month, or make a new version of it if facts came late."""
    from fleet.cli.commands import open_fleet
    from fleet.clock import SystemClock
    from fleet.identity import audit
    from fleet.months.versions import close_month

    settings, database = open_fleet(data)
    now_us = SystemClock().now_us()
    with closing(database), database.write() as connection:
        version = close_month(connection, month, settings.contract, who=audit.COMMAND_LINE, now_us=now_us)
    if version is None:
        print(f"{month}: nothing changed since its newest version")
    else:
        print(f"{month} version {version.number} {version.hash}")


@months.command()
def correct(
    data: Data,
    month: Annotated[str, Argument(help="Such as 2026-10.")],
    author: Annotated[str, Option(help="Account of who corrects; its password is asked for.")],
    second: Annotated[str, Option(help="Account of who agrees; its password is asked for.")],
    reason: Annotated[str, Option(help="Why; it stands in every report of the month.")],
) -> None:
    """Correct members, weights and settings of a month from the registry as it stands: two people sign."""
    from fleet.cli.commands import agreeing, open_fleet
    from fleet.clock import SystemClock
    from fleet.months.snapshots import Correction
    from fleet.months.snapshots import correct as corrected

    settings, database = open_fleet(data)
    with closing(database):
        names = [
            agreeing(database, name, typer.prompt(f"Password of {name}", hide_input=True))
            for name in (author, second)
        ]
        by = Correction(author=names[0], second=names[1], reason=reason)
        with database.write() as connection:
            made = corrected(connection, month, settings.contract, by, now_us=SystemClock().now_us())
    print(f"{month} snapshot {made.version} {made.hash}")


@months.command("list")
def list_(data: Data) -> None:
    """List the versions of closed months."""
    from fleet.cli.commands import open_fleet
    from fleet.months.versions import list_versions

    _, database = open_fleet(data)
    with closing(database), database.read() as connection:
        for month, version, closed_at_us, who, hash_ in list_versions(connection):
            print(f"{month} v{version} {paris(closed_at_us):%Y-%m-%d %H:%M} {who} {hash_}")


def check(
    data: Data,
    month: Annotated[str, Option(help="Such as 2026-10; every closed month by default.")] = "",
) -> int:
    """Verify closed months (timelines, figures, hashes) against the evidence, and seals; 1 if one differs."""
    from fleet.cli.commands import open_fleet
    from fleet.cli.seals import broken_lines
    from fleet.clock import SystemClock
    from fleet.months.check_store import check_month
    from fleet.months.timestamp import read_authority
    from fleet.months.versions import list_versions

    settings, database = open_fleet(data)
    now_us, faults = SystemClock().now_us(), 0
    authority = read_authority(settings.timestamp_url, settings.timestamp_ca)
    with closing(database), database.read() as connection:
        closed = sorted({one[0] for one in list_versions(connection) if month in ("", one[0])})
        for name in closed:
            found = check_month(connection, name, settings.contract, now_us=now_us, authority=authority)
            for finding in found:
                faults += finding.is_fault
                print(finding)
    broken = broken_lines(data)
    print("".join(f"seal broken: {line}\n" for line in broken), end="")
    print(f"{len(closed)} closed months checked, {faults} faults, {len(broken)} broken seals")
    return 1 if faults or broken else 0


def compute(
    file: Annotated[Path, Argument(exists=True, dir_okay=False, help="An export of facts.")],
    as_json: Annotated[bool, Option("--json", help="Everything, for machines.")] = False,
) -> None:
    """Compute a month from its facts: figures, timelines and hash, without a database."""
    with file.open("rb") as lines:
        given = document.read(lines)
    figures = result.document(given, reckon(given), timelines=as_json)
    if as_json:
        print(msgspec.json.encode(figures).decode())
    else:
        print(_table(figures))


def _table(figures: dict[str, Any]) -> str:
    whole = figures["whole"]
    percent = f"{whole['availability_percent'] or '—'} %"
    table = Table(title=f"{figures['month']} · {percent} · {figures['hash'][:16]}")
    for column in ("commune", "availability %", "served s", "charged s", "outages", "met"):
        table.add_column(column, justify="left" if column == "commune" else "right")
    for one in figures["communes"]:
        table.add_row(
            one["insee"],
            one["availability_percent"] or "—",
            f"{one['served'] // 1_000_000}",
            f"{one['charged'] // 1_000_000}",
            str(one["outages"]),
            {True: "yes", False: "NO", None: "—"}[one["met"]],
        )
    console = Console(width=WIDTH)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def refused(
    data: Data,
    limit: Annotated[int, Option(min=1, max=1_000, help="The newest so many.")] = SHOWN,
    as_json: Annotated[bool, Option("--json", help="One object a line, for machines.")] = False,
) -> None:
    """List the newest messages that were refused, with the reason; all of them are counted."""
    from fleet.cli.commands import open_fleet

    _, database = open_fleet(data)
    with closing(database), database.read() as connection:
        found, total = newest_refused(connection, limit), count_refused(connection)
    for one in found:
        if as_json:
            print(msgspec.json.encode(one).decode())
        else:
            at = paris(one["recorded_at_us"])
            print(f"{at:%Y-%m-%d %H:%M:%S} {one['topic']} ({one['payload_bytes']} bytes): {one['reason']}")
    if not as_json:
        print(f"{len(found)} shown of {total} refused since installation")


def newest_refused(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """Return the newest refused messages, newest first."""
    table = refused_messages.c
    query = select(table.recorded_at_us, table.topic, table.payload_bytes, table.reason)
    rows = connection.execute(query.order_by(table.id.desc()).limit(limit)).mappings()
    return [dict(row) for row in rows]


def count_refused(connection: Connection) -> int:
    """Return how many messages were refused since installation."""
    return connection.scalar(select(counters.c.value).where(counters.c.name == "refused")) or 0
