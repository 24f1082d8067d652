"""`passerelle fleet order …`: work orders made, printed, scanned, extended, revoked, listed."""

import json
import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from sqlalchemy import Connection
from typer import Option

from agent.wire.configuration import FleetConfig
from agent.wire.eui import parse_eui
from agent.wire.order import encode_order
from agent.wire.paths import PATHS
from fleet.cli.commands import assignment, open_fleet
from fleet.cli.folder import Data
from fleet.cli.language import Lang, spoken
from fleet.clock import SystemClock
from fleet.configurations.lns import AddressRefused, contractual_connector
from fleet.configurations.orders import Wanted
from fleet.errors import MistakeError
from fleet.identity import audit
from fleet.identity.foundation import Keys, read_keys
from fleet.lang.format import moment
from fleet.lang.i18n import t
from fleet.orders import listing, printed, store
from fleet.registry.store import load_gateway
from fleet.settings import BROKER_PORT, Settings, parse_host_port

ORDER_MODE = 0o600
"""What is written holds a secret."""
PAGE_PORT = 8080
"""Where the gateway shows the acceptance to a phone beside it."""
Number = Annotated[int, Option("--number", help="Number of the work order.")]
Output = Annotated[Path, Option("--output", help="File to write; it holds a secret.")]
Lns = Annotated[str, Option(help="chirpstack://HOST, station://HOST, udp://HOST:PORT.")]
Bus = Annotated[str, Option(help="spi:DEVICE, usb:DEVICE or socket:PATH.")]
Broker = Annotated[str, Option(help="HOST:PORT when not the fleet's own.")]
EnrolUrl = Annotated[str, Option(help="When not the fleet's public address.")]
Tls = Annotated[bool, Option(help="Whether the broker speaks TLS.")]
Set = Annotated[list[str] | None, Option("--set", help="PATH=VALUE, as of `fleet configure`.")]
Stability = Annotated[int, Option(help="Seconds that the acceptance watches the backhaul.")]
DEFAULT_BUS, DEFAULT_LNS, DEFAULT_STABILITY_S = "spi:/dev/spidev0.0", "127.0.0.1:1700", 600
T = TypeVar("T")

app = typer.Typer(no_args_is_help=False, invoke_without_command=True, help=__doc__)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderOptions:
    """What version 1 of a gateway's configuration is made of, as it is typed."""

    bus: str = DEFAULT_BUS
    lns: str = DEFAULT_LNS
    broker: str = ""
    enrol_url: str = ""
    tls: bool = True
    stability_s: int = DEFAULT_STABILITY_S
    settings: tuple[str, ...] = ()
    """PATH=VALUE each, of the first configuration."""


def wanted_of(settings: Settings, options: OrderOptions) -> Wanted:
    """Return what an order wants.

    Raises:
        MistakeError: an address or assignment that is none.
    """
    default = f"{settings.broker.host}:{settings.broker.port}"
    host, port = parse_host_port(options.broker or default, name="--broker", default_port=BROKER_PORT)
    try:
        contractual_connector(options.lns)
    except AddressRefused as error:
        raise MistakeError(f"--lns: {error}") from error
    return Wanted(
        lns=options.lns,
        broker=FleetConfig(host=host, port=port, tls=options.tls),
        enrol_url=(options.enrol_url or settings.public_url).rstrip("/"),
        bus=options.bus,
        stability_s=options.stability_s,
        changes=dict(assignment(text) for text in options.settings),
    )


def write_order(data: Path, eui: str, output: Path, options: OrderOptions) -> str:
    """Make an order for ``eui`` where it hangs and write what is flashed to ``output``."""
    settings, database = open_fleet(data)
    wanted, keys, now_us = wanted_of(settings, options), read_keys(data), SystemClock().now_us()
    with closing(database), database.write() as connection:
        gateway = load_gateway(connection, eui)
        if gateway is None:
            raise MistakeError(f"{eui}: no such gateway in the registry; import it first")
        new = store.NewOrder(site_id=gateway.site_id, eui=eui, wanted=wanted, planned_on=gateway.planned_on)
        number = store.make(connection, keys, new, who=audit.COMMAND_LINE, now_us=now_us)
        made = store.document(connection, keys, number, who=audit.COMMAND_LINE, now_us=now_us)
    _write(output, encode_order(made))
    kind = contractual_connector(wanted.lns).kind
    return f"{output}: work order {number} of {gateway.name} ({eui})\n{PATHS[kind][1]}"


def _write(output: Path, content: bytes) -> None:
    with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, ORDER_MODE), "wb") as file:
        file.write(content)


def _acted(data: Path, act: Callable[[Connection, Keys, int], T]) -> T:
    """Return what ``act`` does within one transaction."""
    _, database = open_fleet(data)
    keys, now_us = read_keys(data), SystemClock().now_us()
    with closing(database), database.write() as connection:
        return act(connection, keys, now_us)


@app.callback()
def order(  # noqa: PLR0917 typer passes by name
    context: typer.Context,
    data: Data = Path(),
    eui: Annotated[str, Option(help="Gateway EUI.")] = "",
    output: Annotated[Path, Option(help="File to write; it holds a secret.")] = Path(),
    bus: Bus = DEFAULT_BUS,
    lns: Lns = DEFAULT_LNS,
    broker: Broker = "",
    enrol_url: EnrolUrl = "",
    tls: Tls = True,
    stability: Stability = DEFAULT_STABILITY_S,
    page_port: Annotated[int, Option(help="Of the acceptance for phones; 0: none.")] = PAGE_PORT,
    set_: Set = None,
) -> None:
    """Make the work order of one gateway and write what is flashed; or one of the commands below."""
    if context.invoked_subcommand is not None:
        return
    if not eui or output == Path():
        raise MistakeError("--eui and --output go together, or name a command: see --help")
    options = OrderOptions(
        bus=bus,
        lns=lns,
        broker=broker,
        enrol_url=enrol_url,
        tls=tls,
        stability_s=stability,
        settings=(*page_settings(page_port), *(set_ or ())),
    )
    print(write_order(data, parse_eui(eui), output, options))


def page_settings(port: int) -> tuple[str, ...]:
    """Return the settings that show the acceptance to a phone; 0: none."""
    return (f"page_port={port}", "page_on_lan=true") if port else ()


@app.command("planned")
def planned(
    data: Data,
    lns: Lns = DEFAULT_LNS,
    bus: Bus = DEFAULT_BUS,
    page_port: Annotated[int, Option(help="Of the acceptance for phones; 0: none.")] = PAGE_PORT,
) -> None:
    """Make an order for every planned gateway of the deployment sheet that has none."""
    settings, _ = open_fleet(data)
    wanted = wanted_of(settings, OrderOptions(lns=lns, bus=bus, settings=page_settings(page_port)))
    numbers = _acted(
        data,
        lambda connection, keys, now_us: store.make_planned(
            connection, keys, wanted, who=audit.COMMAND_LINE, now_us=now_us
        ),
    )
    print(f"{len(numbers)} work orders: {', '.join(map(str, numbers)) or 'none'}")


@app.command("for-site")
def for_site(  # noqa: PLR0917 typer passes by name
    data: Data,
    site: Annotated[int, Option(help="Number of the site, as its page has it.")],
    planned_on: Annotated[str, Option(help="Day such as 2026-12-14.")] = "",
    hardware: Annotated[str, Option(help="What the installer brings.")] = "",
    antenna: Annotated[str, Option(help="Such as '5,8 dBi, 10 m de câble'.")] = "",
    backhaul: Annotated[str, Option(help="Operator and kind.")] = "",
    contact: Annotated[str, Option(help="Who opens on site.")] = "",
    lns: Lns = DEFAULT_LNS,
    bus: Bus = DEFAULT_BUS,
) -> None:
    """Make an order for any box at a site; it is scanned before flashing."""
    settings, _ = open_fleet(data)
    new = store.NewOrder(
        site_id=site,
        eui=None,
        wanted=wanted_of(settings, OrderOptions(lns=lns, bus=bus, settings=page_settings(PAGE_PORT))),
        planned_on=planned_on,
        hardware=hardware,
        antenna=antenna,
        backhaul=backhaul,
        contact=contact,
    )
    number = _acted(
        data,
        lambda connection, keys, now_us: store.make(
            connection, keys, new, who=audit.COMMAND_LINE, now_us=now_us
        ),
    )
    print(f"work order {number}")


@app.command("scan")
def scan(data: Data, number: Number, eui: Annotated[str, Option(help="As read from the box.")]) -> None:
    """Bind an order for any box to the one that was scanned."""
    _acted(
        data,
        lambda connection, keys, now_us: store.scan(
            connection, keys, number, eui, who=audit.COMMAND_LINE, now_us=now_us
        ),
    )
    print(f"work order {number}: {parse_eui(eui)}")


@app.command("card")
def card(data: Data, number: Number, output: Output) -> None:
    """Write what is flashed for an order, for `passerelle provision flash --order`."""
    made = _acted(
        data,
        lambda connection, keys, now_us: store.document(
            connection, keys, number, who=audit.COMMAND_LINE, now_us=now_us
        ),
    )
    _write(output, encode_order(made))
    print(f"{output}: work order {number} ({made.eui})")


@app.command("sheet")
def sheet(
    data: Data,
    number: Number,
    output: Output,
    label: Annotated[bool, Option("--label", help="The label alone, 100 x 50 mm.")] = False,
) -> None:
    """Write the installer's sheet of an order as PDF, or its label."""
    settings, _ = open_fleet(data)
    paper = _acted(
        data,
        lambda connection, keys, now_us: printed.paper_of(
            connection, keys, number, public_url=settings.public_url, now_us=now_us
        ),
    )
    _write(output, printed.label_pdf(paper) if label else printed.sheet_pdf(paper))
    print(f"{output}: work order {number}")


@app.command("extend")
def extend(
    data: Data, number: Number, days: Annotated[int, Option(help="Days from its end, or from now.")] = 30
) -> None:
    """Let an order hold for longer."""
    _acted(
        data,
        lambda connection, _, now_us: store.extend(
            connection, number, days, who=audit.COMMAND_LINE, now_us=now_us
        ),
    )
    print(f"work order {number}: {days} days longer")


@app.command("revoke")
def revoke(data: Data, number: Number, reason: Annotated[str, Option(help="For the audit log.")]) -> None:
    """Put an order out of force."""
    _acted(
        data,
        lambda connection, _, now_us: store.revoke(
            connection, number, reason, who=audit.COMMAND_LINE, now_us=now_us
        ),
    )
    print(f"work order {number}: revoked")


@app.command("list")
def list_(
    data: Data,
    as_json: Annotated[bool, Option("--json", help="For machines.")] = False,
    lang: Lang = "",
) -> None:
    """List the newest orders."""
    found = _acted(data, lambda connection, _, now_us: listing.load_orders(connection, now_us))
    if as_json:
        print(json.dumps([asdict(one) for one in found], ensure_ascii=False))
        return
    language = spoken(lang)
    if not found:
        print(t(language, "orders.none"))
    for one in found:
        state = t(language, f"orders.state.{one.state}")
        until = moment(language, one.valid_until_us)
        print(f"{one.id:>5}  {one.eui or '—':<16}  {state:<24}  {until}  {one.site_name}")
