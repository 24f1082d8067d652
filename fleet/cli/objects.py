"""`passerelle fleet objects import FILE` and `connectivity`: the members' object list, and who was heard."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from typer import Argument, Option

from fleet.cli.folder import Data
from fleet.objects.sheet import read

app = typer.Typer(no_args_is_help=True, help="The members' objects, without any key.")
LISTED_LIMIT = 50
NOT_VERIFIABLE = "not verifiable"


@app.callback()
def _objects() -> None:
    """The members' objects, without any key."""


@app.command("import")
def import_(
    data: Data,
    file: Annotated[Path, Argument(exists=True, dir_okay=False, help="CSV or XLSX.")],
    epci: Annotated[str, Option(help="The member whose list it is, for objects without a known place.")] = "",
    dry_run: Annotated[bool, Option("--dry-run", help="Check and list, change nothing.")] = False,
) -> None:
    """Read an object list; App Keys are dropped before anything is written."""
    from fleet.cli.commands import open_fleet
    from fleet.clock import SystemClock
    from fleet.errors import MistakeError
    from fleet.identity import audit
    from fleet.objects.store import apply_objects

    listed = read(file.name, file.read_bytes())
    for problem in listed.problems[:LISTED_LIMIT]:
        print(problem)
    if listed.problem_count:
        raise MistakeError(f"{file}: {listed.problem_count} problems, nothing was changed")
    _, database = open_fleet(data)
    now_us = SystemClock().now_us()
    with closing(database), database.write() as connection:
        count = apply_objects(connection, listed, now_us, epci=epci)
        audit.record(
            connection,
            now_us=now_us,
            who=audit.COMMAND_LINE,
            action="objects.import",
            subject=file.name,
            after={"objects": count, "keys_dropped": listed.keys_dropped},
        )
        if dry_run:
            connection.rollback()
    did = "would import" if dry_run else "imported"
    print(f"{did} {count} objects, {listed.keys_dropped} App Keys dropped")


@app.command("connectivity")
def connectivity_(
    data: Data,
    month: Annotated[str, Option(help="Such as 2026-10; the present month by default.")] = "",
    as_json: Annotated[bool, Option("--json", help="For machines.")] = False,
) -> None:
    """Print how many of the objects in service were heard, per day and per 14 days; addresses by day."""
    from fleet.cli.commands import open_fleet
    from fleet.clock import SystemClock
    from fleet.facts.months import month_of
    from fleet.objects.counting import month_connectivity
    from fleet.web.api.connectivity import connectivity_of

    _, database = open_fleet(data)
    now_us = SystemClock().now_us()
    told_month = month or month_of(now_us)
    with closing(database), database.read() as connection:
        told = connectivity_of(told_month, month_connectivity(connection, told_month, now_us))
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(told), indent=1).decode())
        return
    print(f"{told_month}: {told['objects']} objects in service, {told['days_counted']} days counted")
    for name in ("daily", "fortnight", "monthly", "redundant", "redundant_frames"):
        print(f"{name:10} {told[f'{name}_percent'] or NOT_VERIFIABLE}")
    for one in told["days"]:
        print(
            f"{one['day']}  heard {one['heard']}  in 14 days {one['heard_fortnight']}  "
            f"addresses {one['addresses']}, by two gateways or more {one['addresses_redundant']}"
        )
