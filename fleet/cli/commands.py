"""What the commands do, without the command line: each returns what to print.

``fleet.errors.MistakeError`` is a user's mistake in one sentence.
"""

import sys
from contextlib import closing
from pathlib import Path

import msgspec
import typer
from sqlalchemy import Connection

from agent.wire.command import SERVICE_AFFECTING, Action, Command
from fleet.cli.language import spoken
from fleet.clock import SystemClock
from fleet.configurations.commands import send
from fleet.db.connect import Database
from fleet.db.migrate import upgrade
from fleet.errors import MistakeError
from fleet.facts.model import WithdrawalReason
from fleet.identity import audit, enrolments, foundation, login, people
from fleet.identity.revocation import BrokerDoor, apply_rights, enforce, load_rights
from fleet.identity.seal_keys import found
from fleet.lang.format import moment
from fleet.lang.i18n import t
from fleet.registry import store
from fleet.registry.model import Consent
from fleet.rollouts.asking import why_not
from fleet.settings import (
    BROKER_PORT,
    PUBLIC_URL,
    Founded,
    Settings,
    is_founded,
    parse_host_port,
    read_founded,
    read_settings,
    write_settings,
)

DEFAULT_BROKER = f"127.0.0.1:{BROKER_PORT}"
FOUNDED_FROM_US, FOUNDED_BEFORE_US = 1_767_225_600_000_000, 3_345_062_400_000_000
"""2026-01-01, before the first release, and 2076-01-01: a host whose clock says otherwise has none."""


def init(data: Path, *, public_url: str, broker: str, database_url: str = "") -> list[str]:
    """Found a fleet in ``data``, or bring one up to date; what is not named stays as it was set.

    Raises:
        MistakeError: the host's clock is absurd: certificates would be over, or not in force for decades.
    """
    now_us = SystemClock().now_us()
    if not FOUNDED_FROM_US <= now_us < FOUNDED_BEFORE_US:
        lang = spoken()
        raise MistakeError(t(lang, "cli.clock_absurd", at=moment(lang, now_us)))
    before = read_founded(data) if is_founded(data) else None
    default = f"{before.broker_host}:{before.broker_port}" if before else DEFAULT_BROKER
    host, port = parse_host_port(broker or default, name="--broker", default_port=BROKER_PORT)
    data.mkdir(parents=True, exist_ok=True)
    keys = foundation.found_keys(data, broker_host=host, now_us=now_us)
    founded = before or Founded(public_url=PUBLIC_URL, broker_host=host, broker_port=port)
    named = {
        "public_url": public_url or founded.public_url,
        "database_url": database_url or founded.database_url,
        "broker_host": host,
        "broker_port": port,
    }
    write_settings(data, msgspec.structs.replace(founded, **named))
    files = foundation.write_broker_files(
        data,
        keys.authority,
        host=host,
        port=port,
        now_us=now_us,
        before=(before.broker_host, before.broker_port) if before else None,
    )
    settings = read_settings(data)
    with closing(Database(settings.database_url, settings.seals)) as database:
        upgrade(database)
        found(database, settings.seals)
        if before is not None:
            door = BrokerDoor(broker=settings.broker, files=files, authority=keys.authority)
            apply_rights(database, door, now_us)
    foundation.close_to_others(data)
    return [
        f"database  {settings.database_url}",
        f"authority {data / 'keys' / 'ca.pem'}",
        f"signing   {keys.signing_public_hex}",
        f"broker    {host}:{port}; start it with: mosquitto -c {files.configuration}",
    ]


def open_fleet(data: Path) -> tuple[Settings, Database]:
    """Return the settings and the database of ``data``."""
    settings = read_settings(data)
    return settings, Database(settings.database_url, settings.seals)


def accept(data: Path, euis: list[str]) -> list[str]:
    """Accept gateways on site."""
    return _commission(data, euis, accepting=True)


def withdraw(
    data: Path,
    euis: list[str],
    *,
    reason: WithdrawalReason | None = None,
    second: str = "",
    password: str = "",
) -> list[str]:
    """Withdraw gateways; without a reason and a second person who agrees they count until the notice is over.

    Raises:
        PersonError: only one of both is given, or the second person is not an operator with that password.
    """
    if (reason is None) != (not second):
        raise people.PersonError("second: a reason and a second person go together")
    return _commission(
        data, euis, accepting=False, consent=None if reason is None else (second, password, reason)
    )


def typed_password(name: str) -> str:
    """Return the password that somebody types, or that a script pipes in."""
    if sys.stdin.isatty():
        return str(typer.prompt(f"Password of {name}", hide_input=True))
    return sys.stdin.readline().rstrip("\n")


def agreeing(database: Database, name: str, password: str) -> str:
    """Return the name of a second person who typed its password.

    Raises:
        PersonError: no operator has that name and password.
    """
    if not login.agrees(database, name, password):
        raise people.PersonError(f"second: {name!r} is no operator, or the password is another")
    return name


def _commission(
    data: Path,
    euis: list[str],
    *,
    accepting: bool,
    consent: tuple[str, str, WithdrawalReason] | None = None,
) -> list[str]:
    _, database = open_fleet(data)
    now_us = SystemClock().now_us()
    lines = []
    agreed = None if consent is None else Consent(agreeing(database, *consent[:2]), consent[2])
    with closing(database), database.write() as connection:
        for eui in euis:
            gateway = _gateway(connection, eui)
            if accepting:
                store.accept(connection, eui, at_us=now_us, who=audit.COMMAND_LINE, now_us=now_us)
            else:
                store.withdraw(
                    connection, eui, at_us=now_us, who=audit.COMMAND_LINE, now_us=now_us, consent=agreed
                )
            audit.record(
                connection,
                now_us=now_us,
                who=audit.COMMAND_LINE,
                action="gateway.accept" if accepting else "gateway.withdraw",
                subject=eui,
                before={"status": gateway.status},
            )
            lines.append(f"{gateway.name} ({eui}) {'accepted' if accepting else 'withdrawn'}")
    return lines


def revoke(data: Path, eui: str, reason: str) -> str:
    """Revoke a gateway, end its open session, and prove that the broker keeps it out.

    Raises:
        RevocationUnconfirmed: revoked in the database, the broker proved nothing.
    """
    settings, database = open_fleet(data)
    authority = foundation.read_keys(data).authority
    door = BrokerDoor(broker=settings.broker, files=foundation.broker_files(data), authority=authority)
    clock = SystemClock()
    with closing(database):
        with database.write() as connection:
            serials = enrolments.revoke(
                connection, eui, reason=reason, who=audit.COMMAND_LINE, now_us=clock.now_us()
            )
        while eui in load_rights(database, clock.now_us()).waiting:
            enforce(database, door, clock)
    return f"{eui}: {len(serials)} certificates revoked; the broker refuses them, no session is open"


def send_command(data: Path, eui: str, action: Action, reason: str) -> str:
    """Sign one command and queue it; one that stops reception is refused where somebody would suffer.

    Raises:
        MistakeError: it would harm, and no ``reason`` says why it is sent all the same.
    """
    settings, database = open_fleet(data)
    keys = foundation.read_keys(data)
    now_us = SystemClock().now_us()
    with closing(database), database.read() as connection:
        _gateway(connection, eui)
        refusals = why_not(connection, settings.contract, eui, now_us) if action in SERVICE_AFFECTING else []
    if refusals and not reason:
        raise MistakeError(f"{' '.join(refusals)} Announce works, or say --despite REASON.")
    with closing(database), database.write() as connection:
        if refusals:
            after = {"action": action, "reason": reason, "despite": refusals}
            audit.record(
                connection,
                now_us=now_us,
                who=audit.COMMAND_LINE,
                action="gateway.command.despite",
                subject=eui,
                after=after,
            )
        word = send(
            connection,
            keys.signing,
            eui=eui,
            command=Command(action=action),
            who=audit.COMMAND_LINE,
            now_us=now_us,
        )
    return f"{eui}: {word} queued ({action})"


def assignment(text: str) -> tuple[str, str]:
    """Return path and value of ``PATH=VALUE``.

    Raises:
        MistakeError: it is not of that form.
    """
    path, sign, value = text.partition("=")
    if not sign or not path:
        raise MistakeError(f"--set: {text!r} is not PATH=VALUE, such as connectors.0.host=lns.example.fr")
    return path.strip(), value


def add_user(data: Path, name: str, role: str, password: str) -> str:
    """Add a person, or give a new role and password to one."""
    _, database = open_fleet(data)
    account = people.account_of(name=name, role=role, password=password)
    with closing(database), database.write() as connection:
        people.set_user(connection, account, who=audit.COMMAND_LINE, now_us=SystemClock().now_us())
    return f"{name}: {role}"


def _gateway(connection: Connection, eui: str) -> store.Gateway:
    gateway = store.load_gateway(connection, eui)
    if gateway is None:
        raise MistakeError(f"{eui}: no such gateway in the registry; import it first")
    return gateway
