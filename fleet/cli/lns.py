"""`passerelle fleet lns …`: gateways and their test devices in the network server, equal to the registry.

    registry ─┬─▶ provision ─▶ ChirpStack's API: gateway, test device (DevEUI: the gateway's EUI), session
              │        └─────▶ configuration of the gateway: end_to_end.dev_addr, end_to_end.network_key
              └─▶ export ────▶ CSV for a server that has no such API

Provisioning again changes nothing where both are equal.  What the server has beyond the registry is named.
"""

import csv
import os
import secrets
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from sqlalchemy import Connection
from typer import Option

from agent.wire.configuration import Configuration, EndToEndConfig
from fleet.cli.chirpstack import ChirpStackApi, opened
from fleet.cli.folder import Data
from fleet.clock import SystemClock
from fleet.configurations.certificates import issued_of, needs_certificate
from fleet.configurations.genuine import check_genuine
from fleet.configurations.issue import issue_version
from fleet.configurations.store import Version, newest_version
from fleet.errors import MistakeError
from fleet.identity import audit, foundation
from fleet.registry.store import Gateway, load_gateways

KEY_BYTES = 16
TOKEN_LIMIT_BYTES = 4_096
FILE_MODE = 0o600
COLUMNS = ("eui", "name", "latitude", "longitude", "dev_eui", "dev_addr", "nwk_s_key")

app = typer.Typer(help="The network server: gateways and their test devices.", no_args_is_help=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One gateway that the network server shall know; without a configuration it has no test device."""

    gateway: Gateway
    version: Version | None

    @property
    def device(self) -> EndToEndConfig | None:
        """The test device that its newest configuration names; None while there is none."""
        end_to_end = self.version.configuration.end_to_end if self.version else EndToEndConfig()
        return end_to_end if end_to_end.dev_addr else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a gateway has yet to learn of ChirpStack."""

    device: EndToEndConfig | None
    certificate: tuple[str, str] | None
    """Client certificate and its key, PEM."""

    @property
    def reason(self) -> str:
        """Say what the new version is for."""
        named = (("test device", self.device), ("client certificate", self.certificate))
        return ", ".join(name for name, given in named if given)

    def within(self, configuration: Configuration) -> Configuration:
        """Return a configuration that holds it."""
        replace, contractual = msgspec.structs.replace, issued_of(configuration)
        if self.device is not None:
            configuration = replace(configuration, end_to_end=self.device)
        if self.certificate is None or contractual is None:
            return configuration
        certificate, key = self.certificate
        with_it = replace(contractual, certificate_pem=certificate, key_pem=key)
        connectors = tuple(with_it if one is contractual else one for one in configuration.connectors)
        return replace(configuration, connectors=connectors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What makes both lists equal."""

    gateways: tuple[Gateway, ...]
    """To register."""
    devices: tuple[Gateway, ...]
    """Whose test devices are to register."""
    unknown: tuple[str, ...]
    """EUIs that the server has and the registry has not, or no longer."""


def plan(wanted: Iterable[Wanted], gateways: Iterable[str], devices: Iterable[str]) -> Plan:
    """Return what the server lacks and what it has beyond the registry; pure."""
    by_eui = {one.gateway.eui: one for one in wanted}
    have, tested = set(gateways), set(devices)
    return Plan(
        gateways=tuple(one.gateway for eui, one in by_eui.items() if eui not in have),
        devices=tuple(one.gateway for eui, one in by_eui.items() if one.version and eui not in tested),
        unknown=tuple(sorted((have | tested) - set(by_eui))),
    )


@app.command()
def provision(  # noqa: PLR0917 typer passes by name
    data: Data,
    url: Annotated[str, Option(help="https://HOST:PORT of ChirpStack's API; http:// without TLS.")],
    tenant: Annotated[str, Option(help="The tenant's id, as its page shows it.")],
    token_file: Annotated[Path, Option(help="File with an API token, one line.", dir_okay=False)],
    ca_file: Annotated[Path | None, Option(help="PEM of the server's authority.", dir_okay=False)] = None,
    certificates: Annotated[
        bool, Option("--certificates", help="Give each MQTT gateway a client certificate of ChirpStack's.")
    ] = False,
    dry_run: Annotated[bool, Option("--dry-run", help="List, change nothing.")] = False,
) -> None:
    """Register gateways and their test devices in ChirpStack, and give each gateway its own."""
    ca = None if ca_file is None else _content(ca_file)
    token = _content(token_file).decode("utf-8", "replace").strip()
    with opened(url, token=token, tenant=tenant, ca=ca) as api:
        for line in _provision(data, api, certificates=certificates, dry_run=dry_run):
            print(line)


@app.command()
def export(data: Data, file: Path) -> None:
    """Write gateways and their test devices to FILE, a CSV for servers without such an API; it holds keys."""
    from fleet.cli.commands import open_fleet

    _, database = open_fleet(data)
    with closing(database), database.read() as connection:
        wanted = _wanted(connection)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE), "w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        writer.writerows(_row(one) for one in wanted)
    print(f"{file}: {len(wanted)} gateways, {sum(one.device is not None for one in wanted)} test devices")


def _row(wanted: Wanted) -> list[object]:
    gateway, device = wanted.gateway, wanted.device
    secret = (gateway.eui, device.dev_addr, device.network_key) if device else ("", "", "")
    return [gateway.eui, gateway.name, gateway.lat, gateway.lon, *secret]


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(1 << 20)
    except OSError as error:
        raise MistakeError(f"{path}: {error.strerror}") from error


def _wanted(connection: Connection) -> list[Wanted]:
    """Return the gateways that are not withdrawn, each with its newest configuration."""
    return [
        Wanted(gateway=gateway, version=newest_version(connection, gateway.eui))
        for gateway in load_gateways(connection)
        if gateway.withdrawn_at_us is None
    ]


def _provision(data: Path, api: ChirpStackApi, *, certificates: bool, dry_run: bool) -> list[str]:
    from fleet.cli.commands import open_fleet

    _, database = open_fleet(data)
    with closing(database):
        with database.read() as connection:
            wanted = _wanted(connection)
        registration = api.registration()
        todo = plan(wanted, api.gateways(), api.devices(registration))
        lines = [f"{gateway.eui}: gateway registered ({gateway.name})" for gateway in todo.gateways]
        lines += [f"{gateway.eui}: test device registered" for gateway in todo.devices]
        due = _due(wanted) if certificates else ()
        lines += [f"{eui}: client certificate issued" for eui in due]
        lines += [f"{eui}: known to ChirpStack and not to the registry; left there" for eui in todo.unknown]
        if dry_run:
            return [*lines, "nothing was changed (--dry-run)"]
        for gateway in todo.gateways:
            api.add_gateway(gateway)
        for gateway in todo.devices:
            api.add_device(registration, gateway)
        given = {
            one.gateway.eui: Given(
                device=_session(api, one),
                certificate=api.client_certificate(one.gateway.eui) if one.gateway.eui in due else None,
            )
            for one in wanted
        }
        made = {eui: new for eui, new in given.items() if new.device or new.certificate}
        with database.write() as connection:
            lines += [_configure(data, connection, eui, new) for eui, new in made.items()]
    return [*lines, f"{len(wanted)} gateways, {len(made)} configurations changed"]


def _due(wanted: Iterable[Wanted]) -> tuple[str, ...]:
    """Return the gateways whose certificate is to be issued: none yet, or one that ends soon."""
    now_us = SystemClock().now_us()
    return tuple(
        one.gateway.eui
        for one in wanted
        if one.version is not None and needs_certificate(one.version.configuration, now_us)
    )


def _session(api: ChirpStackApi, wanted: Wanted) -> EndToEndConfig | None:
    """Make session and configuration equal; return the test device that the gateway has yet to learn of."""
    if wanted.version is None:
        return None
    eui, device, present = wanted.gateway.eui, wanted.device, api.activation(wanted.gateway.eui)
    if device is not None:
        if present != (device.dev_addr, device.network_key):
            api.activate(eui, device.dev_addr, device.network_key)
        return None
    fresh = (api.address_for(eui), secrets.token_hex(KEY_BYTES))
    api.activate(eui, *fresh)
    before = wanted.version.configuration.end_to_end
    return msgspec.structs.replace(before, dev_addr=fresh[0], network_key=fresh[1])


def _configure(data: Path, connection: Connection, eui: str, new: Given) -> str:
    present = newest_version(connection, eui)
    if present is None:
        return f"{eui}: has no configuration any more"
    key = foundation.read_keys(data).signing
    check_genuine(connection, key.public_key(), eui, present.version)
    envelope = issue_version(
        connection,
        key,
        eui=eui,
        configuration=new.within(present.configuration),
        who=audit.COMMAND_LINE,
        now_us=SystemClock().now_us(),
        reason=new.reason,
    )
    return f"{eui}: version {envelope.version} requested"
