"""`passerelle fleet settings show|set`: the one file of settings, read and changed."""

import difflib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from sqlalchemy.exc import SQLAlchemyError
from typer import Argument

from fleet.cli.folder import Data
from fleet.db.connect import Database, DatabaseUrlError, first_line, sqlite_url
from fleet.db.migrate import upgrade
from fleet.errors import MistakeError
from fleet.settings import (
    FILE_NAME,
    VARIABLES,
    Founded,
    effective_environment,
    read_founded,
    write_settings,
)

SECRETS = re.compile(r".*(_secret|_token|apprise_urls)$")
_USER = re.compile(r"(?<=://)[^/@]+@")
OPTIONAL_SECTIONS = ("signature.key", "signature.certificate", "signature.reason")
"""Settings that have no value until one is set."""

app = typer.Typer(no_args_is_help=True, help="The settings: DATA/fleet.json.")


@app.callback()
def _settings() -> None:
    """The settings: DATA/fleet.json."""


@app.command()
def show(data: Data) -> None:
    """Show every setting, its value and where it comes from; secrets are covered."""
    for line in shown(read_founded(data), os.environ):
        print(line)


@app.command("set")
def set_(
    data: Data,
    assignments: Annotated[list[str], Argument(help="NAME=VALUE; NAME= sets it back to its default.")],
) -> None:
    """Change settings; `fleet serve` takes them at its next start."""
    from fleet.cli import commands
    from fleet.clock import SystemClock
    from fleet.identity import audit

    before = read_founded(data)
    after = changed(before, assignments)
    _check(after)
    moved = _lay_tables(data, before, after)
    write_settings(data, after)
    if (before.broker_host, before.broker_port) != (after.broker_host, after.broker_port):
        write_settings(data, msgspec.structs.replace(after, **_broker_of(before)))
        commands.init(data, public_url="", broker=f"{after.broker_host}:{after.broker_port}")
    was, now = dict(_flat(before)), dict(_flat(after))
    names = sorted(name for name in was.keys() | now.keys() if was.get(name) != now.get(name))
    _, database = commands.open_fleet(data)
    with closing(database), database.write() as connection:
        for name in names:
            audit.record(
                connection,
                now_us=SystemClock().now_us(),
                who=audit.COMMAND_LINE,
                action="settings.set",
                subject=name,
                before={"value": covered(name, was.get(name))},
                after={"value": covered(name, now.get(name))},
            )
    for name in names:
        print(f"{name} = {covered(name, now.get(name))}")
    if moved:
        print("database_url: the rows stay in the former database; `fleet backup`, `restore` carry them over")
    print(f"{data / FILE_NAME}: written; restart `fleet serve`" if names else "nothing changed")


def _lay_tables(data: Path, before: Founded, after: Founded) -> bool:
    """Make the tables of a database that is newly named; return whether there is one.

    Raises:
        MistakeError: it cannot be reached; nothing was written.
    """
    named = [effective_environment(one, os.environ)["PASSERELLE_DATABASE_URL"] for one in (before, after)]
    if named[0] == named[1]:
        return False
    try:
        with closing(Database(named[1] or sqlite_url(data / "fleet.db"))) as database:
            upgrade(database)
    except (SQLAlchemyError, DatabaseUrlError) as error:
        raise MistakeError(f"settings: database_url: {first_line(error)}") from error
    return True


def _check(founded: Founded) -> None:
    """Refuse what only its user would find out."""
    from fleet.backup.archive import parse_recipient
    from fleet.months.timestamp import read_authority
    from fleet.notify.mail import parse_mail_url
    from fleet.notify.settings import read_channels
    from fleet.web.proxies import parse_proxies

    parse_proxies(founded.proxies)
    for text in founded.backup.recipients:
        parse_recipient(text)
    _check_phone(founded.noc_phone)
    read_channels(effective_environment(founded, {}))
    read_authority(founded.timestamp_url, founded.timestamp_ca)
    if founded.messages.smtp_url:
        parse_mail_url(founded.messages.smtp_url)


def _check_phone(number: str) -> None:
    from fleet.lang.phones import PhoneRefused, e164

    try:
        written = e164(number)
    except PhoneRefused as error:
        raise MistakeError(f"noc_phone: {error}") from error
    if written != number:
        raise MistakeError(f"noc_phone: write {written}")


def _broker_of(founded: Founded) -> dict[str, Any]:
    return {"broker_host": founded.broker_host, "broker_port": founded.broker_port}


def shown(founded: Founded, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield ``name = value  (source)`` of every setting."""
    defaults = dict(_flat(_defaults()))
    effective = effective_environment(founded, environment)
    for name, value in _flat(founded):
        variable = VARIABLES.get(name, "")
        if variable and environment.get(variable):
            yield f"{name} = {covered(name, effective[variable])}  ({variable})"
        else:
            source = "default" if value == defaults.get(name) else FILE_NAME
            yield f"{name} = {covered(name, value)}  ({source})"


def changed(founded: Founded, assignments: list[str]) -> Founded:
    """Return the settings with ``NAME=VALUE`` applied.

    Raises:
        MistakeError: an unknown name, or a value that it cannot have.
    """
    document = msgspec.to_builtins(founded)
    defaults = dict(_flat(_defaults()))
    for text in assignments:
        name, sign, value = text.partition("=")
        known = [*defaults, *OPTIONAL_SECTIONS]
        if not sign or name not in known:
            near = difflib.get_close_matches(name, known, n=3) or ["`passerelle fleet settings show`"]
            raise MistakeError(f"settings: {name!r} is none, or has no =; near: {', '.join(near)}")
        _put(document, name, defaults.get(name) if value == "" else _parsed(value, defaults.get(name)))
    try:
        return msgspec.convert(document, Founded, strict=False)
    except msgspec.ValidationError as error:
        raise MistakeError(f"settings: {error}") from error


def covered(name: str, value: object) -> str:
    """Return a value as it may be shown.

    >>> covered("messages.smtp_url", "smtps://anne:secret@mail.example.fr:465")
    'smtps://***@mail.example.fr:465'
    >>> covered("messages.webhook_secret", "x"), covered("backup.recipients", ["age1x"])
    ('***', '["age1x"]')
    """
    if SECRETS.match(name) and value:
        return "***"
    return _USER.sub("***@", value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _defaults() -> Founded:
    return Founded(public_url="", broker_host="", broker_port=1)


def _parsed(value: str, default: object) -> object:
    if not isinstance(default, list | tuple):
        return value
    try:
        parsed = json.loads(value)
    except ValueError:
        return value.split()
    return parsed if isinstance(parsed, list) else value.split()


def _put(document: dict[str, Any], name: str, value: object) -> None:
    section, _, leaf = name.rpartition(".")
    for part in section.split(".") if section else ():
        document[part] = document.get(part) or {}
        document = document[part]
    document[leaf] = value


def _flat(value: object, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, msgspec.Struct):
        value = msgspec.to_builtins(value)
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _flat(each, f"{name}.{key}" if name else key)
    else:
        yield name, value
