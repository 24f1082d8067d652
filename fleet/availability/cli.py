"""`passerelle fleet facts export|schema` and `passerelle fleet compute`: anyone can check a month.

``compute`` needs no database and no network: the same facts give the same figures and hash on any machine.
"""

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from typer import Argument, Option

from fleet.availability import document, result
from fleet.availability.months import month_of
from fleet.availability.reckoning import reckon
from fleet.availability.settings import DEFAULTS

facts = typer.Typer(no_args_is_help=True, help="A month's facts, for anyone who wants to check it.")
WIDTH = 110


@facts.command()
def export(
    data: Annotated[Path, Option("--data", help="Folder of this fleet.", file_okay=False)],
    month: Annotated[str, Option(help="Such as 2026-10; the present month by default.")] = "",
) -> None:
    """Write the facts of a month as NDJSON to standard output."""
    from fleet.availability.month_store import load_month
    from fleet.clock import SystemClock
    from fleet.commands import open_fleet

    _, database = open_fleet(data)
    now_us = SystemClock().now_us()
    with closing(database), database.read() as connection:
        given = load_month(connection, month or month_of(now_us), DEFAULTS, now_us)
    for line in document.write(given):
        sys.stdout.write(line.decode())


@facts.command()
def schema() -> None:
    """Print the JSON Schema of one line of an export."""
    print(msgspec.json.format(msgspec.json.encode(document.schema()), indent=1).decode())


def compute(
    file: Annotated[Path, Argument(exists=True, dir_okay=False, help="An export of facts.")],
    as_json: Annotated[bool, Option("--json", help="Everything, for machines.")] = False,
) -> None:
    """Compute a month from its facts: figures, timelines and hash, without a database."""
    with file.open("rb") as lines:
        given = document.read(lines)
    told = result.document(given, reckon(given), timelines=as_json)
    if as_json:
        print(msgspec.json.encode(told).decode())
    else:
        print(_table(told))


def _table(told: dict[str, Any]) -> str:
    whole = told["whole"]
    percent = f"{whole['availability_percent'] or '—'} %"
    table = Table(title=f"{told['month']} · {percent} · {told['hash'][:16]}")
    for column in ("commune", "availability %", "served s", "charged s", "outages", "met"):
        table.add_column(column, justify="left" if column == "commune" else "right")
    for one in told["communes"]:
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
