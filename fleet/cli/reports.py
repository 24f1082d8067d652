"""`passerelle fleet report monthly|deployment|opendata`: a report into a file."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from fleet.cli.folder import Data

app = typer.Typer(no_args_is_help=True, help="Reports that are signed and sent.")
Output = Annotated[
    Path, Option("--output", help="File; its ending says the form: .pdf, .xlsx, .zip (CSV), .json, .sqlite.")
]
ENDINGS = {".pdf": "pdf", ".xlsx": "xlsx", ".zip": "csv", ".sqlite": "sqlite", ".json": "json"}


@app.command()
def monthly(
    data: Data,
    output: Output,
    month: Annotated[str, Option(help="Such as 2026-10; the present month by default.")] = "",
    epci: Annotated[str, Option(help="Only this EPCI.")] = "",
) -> None:
    """Write the availability report of a month."""
    from fleet.cli.commands import open_fleet
    from fleet.clock import SystemClock
    from fleet.facts.months import month_of
    from fleet.reports.store import Form, file_of, monthly_report

    form = Form(_form(output))
    now_us = SystemClock().now_us()
    settings, database = open_fleet(data)
    with closing(database), database.read() as connection:
        report = monthly_report(
            connection,
            month or month_of(now_us),
            settings.contract,
            now_us,
            epci=epci,
            terms=settings.report,
            address=settings.public_url,
        )
    output.write_bytes(file_of(report, form, settings.signature))
    print(f"{output}: {report.title}, {report.identity}")


@app.command()
def contest(
    data: Data,
    output: Annotated[Path, Option("--output", help="A .zip.")],
    month: Annotated[str, Option(help="Such as 2026-10; the present month by default.")] = "",
    epci: Annotated[str, Option(help="Only this EPCI.")] = "",
) -> None:
    """Write all that a member needs to check a month of its territory without us."""
    from fleet.cli.commands import open_fleet
    from fleet.clock import SystemClock
    from fleet.facts.months import month_of
    from fleet.reports.store import contest_bundle

    now_us = SystemClock().now_us()
    settings, database = open_fleet(data)
    with closing(database), database.read() as connection:
        made = contest_bundle(
            connection, month or month_of(now_us), settings.contract, now_us, settings.report, epci=epci
        )
    output.write_bytes(made)
    print(f"{output}: {len(made)} bytes")


@app.command()
def deployment(data: Data, output: Output) -> None:
    """Write the deployment against the plan."""
    from fleet.cli.commands import open_fleet
    from fleet.reports.store import Form, deployment_report, file_of

    form = Form(_form(output))
    settings, database = open_fleet(data)
    with closing(database), database.read() as connection:
        report = deployment_report(connection)
    output.write_bytes(file_of(report, form, settings.signature))
    print(f"{output}: {report.title}, {report.subtitle}")


@app.command("opendata")
def opendata_(
    data: Data,
    output: Annotated[Path, Option("--output", help="A .csv; its .schema.json is written beside it.")],
    month: Annotated[str, Option(help="Such as 2026-10; the present month by default.")] = "",
) -> None:
    """Write the availability of the communes in a month as open data: no site, no place."""
    from fleet.cli.commands import open_fleet
    from fleet.clock import SystemClock
    from fleet.facts.months import month_of
    from fleet.reports.opendata import schema_json
    from fleet.reports.store import opendata

    if output.suffix.lower() != ".csv":
        raise ValueError(f"--output: {output.name} does not end in .csv")
    now_us = SystemClock().now_us()
    settings, database = open_fleet(data)
    with closing(database), database.read() as connection:
        made = opendata(connection, month or month_of(now_us), settings.contract, now_us)
    output.write_bytes(made)
    schema = output.with_suffix(".schema.json")
    schema.write_bytes(schema_json())
    print(f"{output}, {schema}")


def _form(output: Path) -> str:
    form = ENDINGS.get(output.suffix.lower())
    if form is None:
        raise ValueError(f"--output: {output.name} ends in none of {', '.join(ENDINGS)}")
    return form
