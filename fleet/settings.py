"""Settings of one fleet: the data folder, what ``fleet init`` wrote in it, and the environment above that.

environment              meaning
PASSERELLE_DATABASE_URL  postgresql://… instead of DATA/fleet.db
PASSERELLE_BROKER_URL    mqtts://host:port (mutual TLS with DATA/keys) or mqtt://host:port (demo only)
PASSERELLE_SMTP_URL      smtp://host:port, smtps://user:password@host:port
PASSERELLE_MAIL_FROM     sender of every mail
PASSERELLE_SIGNATURE_PASSPHRASE  of the key that signs reports
PASSERELLE_LNS_EVENTS_URL  mqtt[s]://[user:password@]host:port where ChirpStack publishes its uplink events
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from agent.wire.resolved import resolved
from fleet.broker.address import Broker, parse_broker_url
from fleet.db.connect import sqlite_url
from fleet.errors import SettingsError
from fleet.facts.settings import DEFAULTS, ContractSettings
from fleet.incidents.policy import DEFAULT_POLICY, EscalationPolicy
from fleet.reports.signature import Signature
from fleet.reports.terms import Terms
from fleet.retention import Retention

FILE_NAME = "fleet.json"
BROKER_PORT = 8883
"""IANA: secure-mqtt."""
PUBLIC_URL = "http://127.0.0.1:8080"
MAIL_FROM = "passerelle@localhost"


class BackupSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section ``backup`` of fleet.json."""

    recipients: tuple[str, ...] = ()
    """Public keys of age (``age1…``) or SSH that archives are encrypted to; any of them opens one."""


class Founded(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ``fleet init`` wrote down."""

    public_url: str
    broker_host: str
    broker_port: Annotated[int, msgspec.Meta(ge=1, le=65535)]
    retention: Retention = Retention()
    contract: ContractSettings = DEFAULTS
    """Everything about the figures that two honest people could read differently (AVAILABILITY)."""
    escalation: EscalationPolicy = DEFAULT_POLICY
    """Who is told next when nobody acknowledges."""
    signature: Signature | None = None
    """With it, monthly reports in PDF are signed; without it, they are not."""
    report: Terms = Terms()
    """Until when a month may be contested, and what a breach costs."""
    backup: BackupSettings = BackupSettings()


resolved(Founded)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All that ``fleet serve`` is told."""

    data: Path
    public_url: str
    database_url: str
    broker: Broker
    smtp_url: str | None
    mail_from: str
    lns_events_url: str | None = None
    retention: Retention = Retention()
    contract: ContractSettings = DEFAULTS
    escalation: EscalationPolicy = DEFAULT_POLICY
    signature: Signature | None = None
    report: Terms = Terms()
    host: str = "127.0.0.1"
    port: int = 8080
    open_access: bool = False

    @property
    def keys(self) -> Path:
        """Folder of the authority's keys and certificates."""
        return self.data / "keys"


def read_settings(data: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of the fleet in ``data``.

    Raises:
        SettingsError: no fleet there, or a value that cannot be used.
    """
    founded = read_founded(data)
    url = environment.get("PASSERELLE_BROKER_URL")
    broker = Broker(host=founded.broker_host, port=founded.broker_port, tls=True)
    return Settings(
        data=data,
        public_url=founded.public_url.rstrip("/"),
        database_url=environment.get("PASSERELLE_DATABASE_URL") or sqlite_url(data / "fleet.db"),
        broker=parse_broker_url(url) if url else broker,
        smtp_url=environment.get("PASSERELLE_SMTP_URL") or None,
        mail_from=environment.get("PASSERELLE_MAIL_FROM") or MAIL_FROM,
        lns_events_url=environment.get("PASSERELLE_LNS_EVENTS_URL") or None,
        retention=founded.retention,
        contract=founded.contract,
        escalation=founded.escalation,
        signature=founded.signature,
        report=founded.report,
    )


def read_founded(data: Path) -> Founded:
    """Return what ``fleet init`` wrote down, and people changed since.

    Raises:
        SettingsError: no fleet there, or a value that cannot be used.
    """
    path = data / FILE_NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=Founded)
    except FileNotFoundError as error:
        raise SettingsError(f"{path}: not there; run `passerelle fleet init --data {data}` first") from error
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{path}: {error}") from error


def is_founded(data: Path) -> bool:
    """Return whether ``fleet init`` was here before."""
    return (data / FILE_NAME).exists()


def write_settings(data: Path, founded: Founded) -> None:
    """Write what ``fleet init`` was told."""
    (data / FILE_NAME).write_bytes(msgspec.json.format(msgspec.json.encode(founded), indent=1) + b"\n")


def parse_host_port(text: str, *, name: str, default_port: int) -> tuple[str, int]:
    """Return (host, port) of ``host`` or ``host:port``.

    Raises:
        SettingsError: no host, or a port outside 1..65535.
    """
    host, _, port = text.rpartition(":") if ":" in text else (text, "", "")
    if not host or (port and not (port.isdigit() and 1 <= int(port) <= 65535)):
        raise SettingsError(f"{name}: {text!r} is not HOST:PORT, such as broker.example.fr:{default_port}")
    return host, int(port) if port else default_port
