"""`passerelle fleet …`: found a fleet, fill its registry, make work orders, serve.

A user's mistake ends with one line on stderr and exit status 2.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer
from typer import Option
from typer.exceptions import TyperException

from agent.wire.command import Action
from agent.wire.eui import parse_eui
from fleet.cli import accounts as identity_cli
from fleet.cli import backup, balena, changes, commands, exchange, settings, testframes
from fleet.cli import facts as availability_cli
from fleet.cli import incidents as incidents_cli
from fleet.cli import layers as layers_cli
from fleet.cli import lns as lns_cli
from fleet.cli import objects as objects_cli
from fleet.cli import orders as orders_cli
from fleet.cli import proxy as proxy_cli
from fleet.cli import reports as reports_cli
from fleet.cli import rollout as rollout_cli
from fleet.cli import safety as safety_cli
from fleet.cli import seals as seals_cli
from fleet.cli import trust as trust_cli
from fleet.cli.folder import Data
from fleet.errors import MistakeError
from fleet.evidence.decoding import decode_message
from fleet.facts.model import WithdrawalReason
from fleet.identity.revocation import RevocationUnconfirmed
from fleet.rollouts.single import Change
from fleet.web.api.availability import By

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)


def main(arguments: list[str]) -> int:
    """Run one command; return its exit status."""
    try:
        result = app(args=arguments, prog_name="passerelle fleet", standalone_mode=False)
    except TyperException as error:
        if words := error.format_message().strip():
            print(f"passerelle fleet: {words}", file=sys.stderr)
        return 2
    except typer.Abort:
        return 130
    except (MistakeError, ValueError, OSError) as error:
        print(f"passerelle fleet: {error}", file=sys.stderr)
        return 2
    return result if isinstance(result, int) else 0


@app.command()
def init(
    data: Data,
    public_url: Annotated[str, Option(help="Address that people and gateways use.")] = "",
    broker: Annotated[str, Option(help="HOST:PORT of the MQTT broker with mutual TLS.")] = "",
    database_url: Annotated[str, Option(help="postgresql+psycopg://… in place of SQLite.")] = "",
) -> None:
    """Make database, authority, signing key and the broker's files, or bring those of a fleet up to date."""
    for line in commands.init(data, public_url=public_url, broker=broker, database_url=database_url):
        print(line)


@app.command("import")
def import_(
    data: Data,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    dry_run: Annotated[bool, Option("--dry-run", help="Check and list, change nothing.")] = False,
) -> None:
    """Upsert the registry and people from JSON, or sites and gateways from a CSV or XLSX sheet."""
    print(exchange.import_file(data, file, dry_run=dry_run))


@app.command()
def export(data: Data, file: Path) -> None:
    """Write sites and gateways to FILE, a CSV or XLSX sheet that can be imported again."""
    print(exchange.export_file(data, file))


@app.command()
def accept(data: Data, eui: Annotated[list[str], Option(help="Gateway EUI; may be repeated.")]) -> None:
    """Accept gateways on site: they count from this instant on."""
    for line in commands.accept(data, [parse_eui(each) for each in eui]):
        print(line)


@app.command()
def withdraw(
    data: Data,
    eui: Annotated[list[str], Option(help="Gateway EUI; may be repeated.")],
    reason: Annotated[
        WithdrawalReason | None, Option(help="Why it cannot wait; a second person must agree.")
    ] = None,
    second: Annotated[str, Option(help="Account of the second person, who types its password.")] = "",
) -> None:
    """Withdraw gateways: they count no more after the notice of 72 hours, or at once if two people agree."""
    password = typer.prompt(f"Password of {second}", hide_input=True) if second else ""
    euis = [parse_eui(each) for each in eui]
    for line in commands.withdraw(data, euis, reason=reason, second=second, password=password):
        print(line)


@app.command()
def revoke(
    data: Data,
    eui: Annotated[str, Option(help="Gateway EUI.")],
    reason: Annotated[str, Option(help="For the audit log.")],
) -> int:
    """Put a gateway's certificates and open work orders out of force; exit 1: the broker proved nothing."""
    try:
        print(commands.revoke(data, parse_eui(eui), reason))
    except RevocationUnconfirmed as error:
        text = "revoked in the database, not proved at the broker: `fleet serve` goes on trying"
        print(f"passerelle fleet: {eui}: {text}; {error}", file=sys.stderr)
        return 1
    return 0


@app.command()
def configure(  # noqa: PLR0917 typer passes by name
    data: Data,
    eui: Annotated[str, Option(help="The gateway; for more than one see `fleet rollout`.")],
    set_: Annotated[
        list[str] | None,
        Option(
            "--set", help="PATH=VALUE, such as connectors.0.host=lns.example.fr (connectors[0].host too)."
        ),
    ] = None,
    reason: Annotated[str, Option(help="Why; lands in the audit trail.")] = "",
    back_to: Annotated[int | None, Option(help="Begin with the settings of this earlier version.")] = None,
    retry: Annotated[bool, Option("--retry", help="Let it try again what failed on it before.")] = False,
    despite: Annotated[str, Option(help="Why it is sent although somebody loses service.")] = "",
    emergency: Annotated[
        bool, Option("--emergency", help="Ask a second person; sent after a countdown, past the oracle.")
    ] = False,
) -> None:
    """Sign and push a changed configuration to one gateway."""
    wanted = Change(
        eui=parse_eui(eui),
        changes=dict(commands.assignment(text) for text in set_ or ()),
        reason=reason,
        back_to=back_to,
        retry=retry,
        despite=despite,
    )
    print(changes.configure(data, wanted, emergency=emergency))


@app.command()
def command(
    data: Data,
    eui: Annotated[str, Option(help="Gateway EUI.")],
    action: Annotated[Action, Option(help="What to do.")],
    despite: Annotated[str, Option(help="Why it is sent although somebody loses service.")] = "",
) -> None:
    """Sign a command for one gateway; `fleet serve` sends it."""
    print(commands.send_command(data, parse_eui(eui), action, despite.strip()))


@app.command("test-frame")
def ask_test_frame(
    data: Data,
    sender: Annotated[str, Option("--from", help="EUI of the gateway that sends.")],
    listener: Annotated[str, Option("--to", help="EUI of the neighbour that must hear.")],
    wait: Annotated[int, Option(help="Seconds to wait for both answers; 0: only queue.")] = 0,
) -> None:
    """Have one gateway send test frames that another must hear; `fleet serve` sends the commands."""
    for line in testframes.ask(data, parse_eui(sender), parse_eui(listener), wait):
        print(line)


@app.command()
def availability(
    data: Data,
    month: Annotated[str, Option(help="Such as 2026-10; the present month by default.")] = "",
    by: Annotated[By, Option(help="How rows are grouped.")] = By.COMMUNE,
    as_json: Annotated[bool, Option("--json", help="For machines.")] = False,
) -> None:
    """Show the availability of a month, computed from the evidence."""
    from fleet.cli import figures

    print(figures.show(data, month, by, as_json=as_json))


app.add_typer(orders_cli.app, name="order")
app.add_typer(availability_cli.facts, name="facts")
app.add_typer(availability_cli.months, name="month")
app.add_typer(reports_cli.app, name="report")
app.add_typer(lns_cli.app, name="lns")
app.add_typer(objects_cli.app, name="objects")
app.add_typer(exchange.territory, name="territory")
app.add_typer(identity_cli.app, name="token")
app.add_typer(identity_cli.accounts, name="account")
app.add_typer(incidents_cli.app)
app.add_typer(settings.app, name="settings")
app.add_typer(seals_cli.app, name="seals")
app.add_typer(rollout_cli.app, name="rollout")
app.add_typer(layers_cli.app, name="configuration")
app.add_typer(trust_cli.app, name="trust")
backup.add_to(app)
app.command("proxy-config")(proxy_cli.proxy_config)
app.command()(availability_cli.compute)
app.command()(availability_cli.check)
app.command()(trust_cli.sign)
app.command("ok-to-stop")(safety_cli.ok_to_stop)
app.command()(availability_cli.refused)
app.command()(balena.balena)


@app.command()
def decode(topic: str) -> None:
    """Show the message of TOPIC, read from standard input, as JSON."""
    print(decode_message(topic, sys.stdin.buffer.read()))


@app.command()
def user(
    data: Data,
    name: Annotated[str, Option(help="Login name.")],
    role: Annotated[str, Option(help="viewer, operator, technician or administrator.")] = "viewer",
) -> None:
    """Add a person or set a new password, read from standard input."""
    password = typer.prompt("Mot de passe", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
    print(commands.add_user(data, name, role, password.rstrip("\n")))


@app.command()
def serve(
    data: Data,
    host: Annotated[str, Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, Option(min=0, max=65535, help="Port to listen on.")] = 8080,
    open_access: Annotated[
        bool, Option("--open-access", help="No login, everyone is operator; loopback only.")
    ] = False,
) -> None:
    """Run ingest, engine, pages, API and outbox in this process."""
    from fleet import serve as serving

    serving.run(data, host=host, port=port, open_access=open_access)
