"""`passerelle demo`: all of it on one machine, with nothing to configure."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from typer import Option
from typer.exceptions import TyperException

from demo.options import Options

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)


def main(arguments: list[str]) -> int:
    """Run the demo; return its exit status."""
    try:
        result = app(args=arguments, prog_name="passerelle demo", standalone_mode=False)
    except TyperException as error:
        print(f"passerelle demo: {error.format_message()}", file=sys.stderr)
        return 2
    except typer.Abort:
        return 130
    return result if isinstance(result, int) else 0


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not speed > 0:
        raise typer.BadParameter(f"{text!r} is neither a positive number nor max", param_hint="--speed")
    return speed


@app.command()
def demo(  # noqa: PLR0917 - typer passes by name
    port: Annotated[int, Option(min=1, max=65535, help="Port of the fleet manager's page.")] = 8080,
    frames: Annotated[
        Path | None,
        Option(exists=True, dir_okay=False, help="Recorded frames (NDJSON, gzip or not) instead of sensors."),
    ] = None,
    speed: Annotated[str, Option(help="Seconds of the file in one second, or max.")] = "1",
    limit: Annotated[int | None, Option(min=1, help="Lines of the file at most.")] = None,
    headless: Annotated[bool, Option("--headless", help="No address to open; end with the replay.")] = False,
    report: Annotated[str, Option(help="How a replay reports: table or json.")] = "table",
    duration: Annotated[float | None, Option(min=1, help="Stop after so many seconds.")] = None,
    folder: Annotated[
        Path | None, Option(help="Where everything is kept; a temporary folder if not given.")
    ] = None,
    gateways: Annotated[
        int, Option(min=11, max=5000, help="Beyond the eleven, light twins that only beat.")
    ] = 11,
    communes: Annotated[
        Path | None, Option(exists=True, dir_okay=False, help="JSON list of communes for the light twins.")
    ] = None,
    sensors: Annotated[int, Option(min=0, max=500, help="Virtual sensors.")] = 44,
    wheel_broker: Annotated[
        bool, Option("--wheel-broker", help="The broker wheel even where Mosquitto is.")
    ] = False,
) -> int:
    """Eleven gateways of Touraine-Est Vallées, an LNS, a broker, the fleet manager and its page."""
    from demo.main import run

    if report not in ("table", "json"):
        raise typer.BadParameter(f"{report!r} is neither table nor json", param_hint="--report")
    console = Console(stderr=report == "json", highlight=False)
    with tempfile.TemporaryDirectory(prefix="passerelle-demo-") as temporary:
        options = Options(
            folder=folder or Path(temporary),
            port=port,
            frames=frames,
            speed=_speed(speed),
            limit=limit,
            headless=headless,
            report_json=report == "json",
            duration_s=duration,
            sensors=sensors,
            without_mosquitto=wheel_broker,
            gateways=gateways,
            communes=communes,
        )
        return asyncio.run(run(options, lambda text: console.print(text, markup=False)))
