"""Settings of one fleet: the file fleet.json of its data folder, and the environment above it.

``passerelle fleet settings`` shows and changes the file; docs/exploitation.md, « Réglages », says what each
means.  A variable of ``VARIABLES`` stands above its setting: for containers, and for secrets that shall not
lie in the folder.  PASSERELLE_BROKER_URL (mqtt://host:port without certificates) is for demos only.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from agent.wire.resolved import resolved
from fleet.approvals.model import TwoPersons
from fleet.broker.address import Broker, parse_broker_url
from fleet.db.connect import sqlite_url
from fleet.errors import SettingsError
from fleet.evidence.quarantine import DEFAULT_BOUND, QuarantineBound
from fleet.facts.settings import DEFAULTS, ContractSettings
from fleet.identity.ends import DeclaredEnds
from fleet.identity.seal_keys import SealKeys
from fleet.incidents.policy import DEFAULT_POLICY, EscalationPolicy
from fleet.reports.signature import Signature
from fleet.reports.terms import Terms
from fleet.retention import Retention

FILE_NAME = "fleet.json"
BROKER_PORT = 8883
"""IANA: secure-mqtt."""
PUBLIC_URL = "http://127.0.0.1:8080"
MAIL_FROM = "passerelle@localhost"
ALWAYS_WRITTEN = frozenset({"public_url", "broker_host", "broker_port", "contract"})
"""Written even as they come: a later program's defaults change no figure of a fleet that exists."""
OWNER_ONLY = 0o600


class BackupSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section ``backup`` of fleet.json."""

    recipients: tuple[str, ...] = ()
    """Public keys of age (``age1…``) or SSH that archives are encrypted to; any of them opens one."""


class PresenceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section ``presence`` of fleet.json: how arrivals on site are judged."""

    late_after_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 15
    """An arrival that is entered so long after it happened counts only when a second person confirms it."""


class Messages(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section ``messages`` of fleet.json: the ways out; empty is switched off (``fleet.notify.settings``)."""

    smtp_url: str = ""
    mail_from: str = ""
    sms_url: str = ""
    sms_backup: str = ""
    sms_sender: str = ""
    webhook_url: str = ""
    webhook_secret: str = ""
    apprise_urls: str = ""
    glpi_url: str = ""
    glpi_app_token: str = ""
    glpi_user_token: str = ""


VARIABLES = {
    "database_url": "PASSERELLE_DATABASE_URL",
    "lns_events_url": "PASSERELLE_LNS_EVENTS_URL",
    **{f"messages.{name}": f"PASSERELLE_{name.upper()}" for name in Messages.__struct_fields__},
}
"""The variable of the environment that stands above a setting."""


class Founded(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is in fleet.json."""

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
    database_url: str = ""
    """Empty: SQLite, DATA/fleet.db."""
    lns_events_url: str = ""
    messages: Messages = Messages()
    presence: PresenceSettings = PresenceSettings()
    two_persons: TwoPersons = TwoPersons()
    """Which changes wait for a second person."""
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    """Addresses of reverse proxies whose X-Forwarded-For and -Proto are believed; nobody else's are."""
    quarantine: QuarantineBound = DEFAULT_BOUND
    """How many gateways may be quarantined within an hour before the limit itself is suspected."""
    ends: DeclaredEnds = DeclaredEnds()
    """When credentials end that cannot renew themselves; told 60, 30 and 7 days before."""
    noc_phone: str = ""
    """The supervision's telephone, shown where somebody acts on a ticket; empty: none is shown."""
    timestamp_url: str = ""
    """Authority that stamps the seals of closed months (RFC 3161); empty is switched off."""
    timestamp_ca: str = ""
    """PEM file with the root that the stamps are verified with, and what stands between."""


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
    ways_out: dict[str, str] = {}
    """What ``fleet.notify.settings`` reads, under its names of variables."""
    retention: Retention = Retention()
    contract: ContractSettings = DEFAULTS
    escalation: EscalationPolicy = DEFAULT_POLICY
    signature: Signature | None = None
    report: Terms = Terms()
    presence: PresenceSettings = PresenceSettings()
    two_persons: TwoPersons = TwoPersons()
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    quarantine: QuarantineBound = DEFAULT_BOUND
    ends: DeclaredEnds = DeclaredEnds()
    noc_phone: str = ""
    timestamp_url: str = ""
    timestamp_ca: str = ""
    host: str = "127.0.0.1"
    port: int = 8080
    open_access: bool = False

    @property
    def keys(self) -> Path:
        """Folder of the authority's keys and certificates."""
        return self.data / "keys"

    @property
    def seals(self) -> SealKeys:
        """The key ring of sealed rows; every process that reads or writes them opens the database with it."""
        return SealKeys(self.keys)


def read_settings(data: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of the fleet in ``data``.

    Raises:
        SettingsError: no fleet there, or a value that cannot be used.
    """
    founded = read_founded(data)
    effective = effective_environment(founded, environment)
    url = environment.get("PASSERELLE_BROKER_URL")
    broker = Broker(host=founded.broker_host, port=founded.broker_port, tls=True)
    return Settings(
        data=data,
        public_url=founded.public_url.rstrip("/"),
        database_url=effective["PASSERELLE_DATABASE_URL"] or sqlite_url(data / "fleet.db"),
        broker=parse_broker_url(url) if url else broker,
        smtp_url=effective["PASSERELLE_SMTP_URL"] or None,
        mail_from=effective["PASSERELLE_MAIL_FROM"] or MAIL_FROM,
        lns_events_url=effective["PASSERELLE_LNS_EVENTS_URL"] or None,
        ways_out=effective,
        retention=founded.retention,
        contract=founded.contract,
        escalation=founded.escalation,
        signature=founded.signature,
        report=founded.report,
        presence=founded.presence,
        two_persons=founded.two_persons,
        proxies=founded.proxies,
        quarantine=founded.quarantine,
        ends=founded.ends,
        noc_phone=founded.noc_phone,
        timestamp_url=founded.timestamp_url,
        timestamp_ca=founded.timestamp_ca,
    )


def effective_environment(founded: Founded, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the value of each variable of ``VARIABLES``: the environment's, else the file's."""
    in_file = {"database_url": founded.database_url, "lns_events_url": founded.lns_events_url}
    in_file |= {f"messages.{name}": value for name, value in msgspec.structs.asdict(founded.messages).items()}
    return {variable: environment.get(variable) or in_file[name] for name, variable in VARIABLES.items()}


def read_founded(data: Path) -> Founded:
    """Return what is in fleet.json.

    Raises:
        SettingsError: no fleet there, or a value that cannot be used.
    """
    path = data / FILE_NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=Founded)
    except FileNotFoundError as error:
        raise SettingsError(f"{path}: not there; run `passerelle fleet init --data {data}` first") from error
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        newer = "; did a newer program write it?" if "unknown field" in str(error) else ""
        raise SettingsError(f"{path}: {error}{newer}") from error


def is_founded(data: Path) -> bool:
    """Return whether ``fleet init`` was here before."""
    return (data / FILE_NAME).exists()


def write_settings(data: Path, founded: Founded) -> None:
    """Write fleet.json in one rename, readable by its owner only: it may hold secrets.

    What is as it comes stays out, so that an older program reads the file too.
    """
    defaults = msgspec.to_builtins(Founded(public_url="", broker_host="", broker_port=1))
    document = {
        name: value if name in ALWAYS_WRITTEN else _without(value, defaults[name])
        for name, value in msgspec.to_builtins(founded).items()
        if name in ALWAYS_WRITTEN or value != defaults[name]
    }
    write_owned(data / FILE_NAME, msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")


def _without(value: object, defaults: object) -> object:
    if not isinstance(value, dict) or not isinstance(defaults, dict):
        return value
    return {name: each for name, each in value.items() if name not in defaults or each != defaults[name]}


def write_owned(path: Path, content: bytes) -> None:
    """Write a file of the fleet's owner: whole or not at all, on the disk before it has its name."""
    fresh = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def parse_host_port(text: str, *, name: str, default_port: int) -> tuple[str, int]:
    """Return (host, port) of ``host`` or ``host:port``.

    Raises:
        SettingsError: no host, or a port outside 1..65535.
    """
    host, _, port = text.rpartition(":") if ":" in text else (text, "", "")
    if not host or (port and not (port.isdigit() and 1 <= int(port) <= 65535)):
        raise SettingsError(f"{name}: {text!r} is not HOST:PORT, such as broker.example.fr:{default_port}")
    return host, int(port) if port else default_port
