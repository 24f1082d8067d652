"""`passerelle fleet seals …`: what somebody else wrote is accepted by an administrator; the key rotated."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection
from typer import Option

from fleet.cli.commands import open_fleet, typed_password
from fleet.cli.folder import Data
from fleet.cli.language import Lang, spoken
from fleet.clock import SystemClock
from fleet.db.connect import Database
from fleet.db.schema import load_tables
from fleet.db.seals import INFO, BrokenRow, Sealed, broken_row, broken_rows, reseal
from fleet.errors import MistakeError
from fleet.identity import audit, login, people, seal_keys
from fleet.identity.people import Role
from fleet.identity.totp import Vault
from fleet.lang.i18n import t
from fleet.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Seals of accounts, on-call duty and layers.")
HIDDEN = frozenset({"password_hash", "key_sha256", "totp_sealed", "csrf_token"})
"""Columns whose value is not printed: whether there is one is enough."""


@app.command("list")
def list_(data: Data, lang: Lang = "") -> int:
    """Show every row that this program did not write as it stands; exit 1 when there is one."""
    lang = spoken(lang)
    found = broken_lines(data)
    print("\n".join(found) or t(lang, "seals.none"))
    return 1 if found else 0


def broken_lines(data: Path) -> list[str]:
    """Return what is in each row whose seal is broken."""
    _, database = open_fleet(data)
    load_tables()
    with closing(database), database.read() as connection:
        return [_line(connection, one) for one in broken_rows(connection)]


def _line(connection: Connection, one: BrokenRow) -> str:
    found = broken_row(connection, one)
    if found is None:
        return str(one)
    table, row = found
    columns: Sealed = table.info[INFO]
    shown = {name: row[name] for name in columns.columns if name not in columns.named_by}
    values = (f"{name}={'…' if name in HIDDEN and value else value}" for name, value in shown.items())
    return f"{one}: {', '.join(values)}"


@app.command()
def accept(  # noqa: PLR0917 typer passes by name
    data: Data,
    row: Annotated[str, Option(help="As `seals list` names it, such as « users anne »; or all.")],
    name: Annotated[str, Option("--as", help="An administrator; the password is asked for.")],
    reason: Annotated[str, Option(help="Why it is right as it stands; lands in the audit trail.")],
    code: Annotated[str, Option(help="Six digits, where the account has a second factor.")] = "",
    lang: Lang = "",
) -> None:
    """Seal a row as it stands: after looking at `seals list`, with an administrator's password.

    An account whose own seal is broken confirms nothing, unless no administrator's seal is whole any more.
    """
    lang = spoken(lang)
    if not reason.strip():
        raise MistakeError(t(lang, "seals.reason"))
    settings, database = open_fleet(data)
    load_tables()
    now_us = SystemClock().now_us()
    with closing(database):
        _confirm(settings, database, name, code, lang)
        with database.write() as connection:
            wanted = broken_rows(connection)
            if row != "all":
                wanted = [one for one in wanted if str(one) == row]
            if not wanted:
                raise MistakeError(t(lang, "seals.unknown", row=row))
            if not settings.seals.sealing_keys():
                raise MistakeError(t(lang, "seals.keyless"))
            for one in wanted:
                _seal(connection, one, who=name, reason=reason.strip(), now_us=now_us)
    print(t(lang, "seals.accepted", count=len(wanted)))


def _seal(connection: Connection, one: BrokenRow, *, who: str, reason: str, now_us: int) -> None:
    found = broken_row(connection, one)
    if found is None:
        return
    reseal(connection, *found)
    subject = str(one)[: audit.SUBJECT_LIMIT_CHARACTERS]
    after = {"reason": reason}
    audit.record(connection, now_us=now_us, who=who, action="seal.accept", subject=subject, after=after)


def _confirm(settings: Settings, database: Database, name: str, code: str, lang: str) -> None:
    """Ask an administrator for the password.

    Raises:
        MistakeError: it is another, or no administrator whose seal is whole has that name.
    """
    with database.read() as connection:
        alone = not people.whole_administrators(connection)
    proved = login.confirm(
        database,
        name,
        typed_password(name),
        SystemClock().now_us(),
        vault=Vault(settings.keys),
        code=code,
        broken_too=alone,
    )
    if proved is None or proved.role is not Role.ADMINISTRATOR:
        raise MistakeError(t(lang, "seals.administrator", name=name))


@app.command()
def rotate(data: Data, lang: Lang = "") -> None:
    """Seal every whole row with a new key: copies of rows as they were before are of no use any more."""
    lang = spoken(lang)
    settings, database = open_fleet(data)
    with closing(database):
        count = seal_keys.rotate(
            database, settings.seals, who=audit.COMMAND_LINE, now_us=SystemClock().now_us()
        )
    print(t(lang, "seals.rotated", count=count))
