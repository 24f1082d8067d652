"""A login: name, password and second factor in, the key of a session out."""

from typing import Any

from sqlalchemy import Connection, RowMapping, Select, select, update

from fleet.db.connect import Database
from fleet.durations import SECOND_US
from fleet.identity import audit, passwords
from fleet.identity.attempts import Wait
from fleet.identity.people import PASSWORD_MAX_CHARACTERS, Role
from fleet.identity.sessions import begin
from fleet.identity.tables import users
from fleet.identity.totp import Vault, matching_step


def log_in(
    database: Database,
    name: str,
    password: str,
    now_us: int,
    *,
    vault: Vault,
    code: str = "",
) -> str | None:
    """Return the key of a new session, or None: wrong name, password or second factor.

    Raises:
        PasswordsBusy: too many passwords are being checked.
    """
    with database.read() as connection:
        checked_hash = connection.scalar(_account(name).with_only_columns(users.c.password_hash))
    known = passwords.matches(checked_hash, password[:PASSWORD_MAX_CHARACTERS])
    with database.write() as connection:
        row = connection.execute(_account(name)).mappings().first() if known else None
        same = row is not None and row["password_hash"] == checked_hash
        if row is not None and same and _second(connection, row, code, vault, now_us):
            audit.record(connection, now_us=now_us, who=row["name"], action="login", subject="")
            return begin(connection, row["id"], vault, now_us)
        who = name if checked_hash is not None else audit.UNKNOWN
        audit.record(connection, now_us=now_us, who=who, action="login.refused", subject="")
    return None


def note_wait(database: Database, name: str, wait: Wait, now_us: int) -> None:
    """Write down that tries of a name must wait: once a wait, not once a try."""
    with database.read() as connection:
        known = connection.scalar(_account(name).with_only_columns(users.c.name))
    after = {"wait_s": -(-wait.wait_us // SECOND_US), "counted": wait.counted}
    with database.write() as connection:
        who = known or audit.UNKNOWN
        audit.record(connection, now_us=now_us, who=who, action="login.throttled", subject="", after=after)


def agrees(database: Database, name: str, password: str) -> bool:
    """Return whether an operator of that name typed its password: a second person's consent.

    Raises:
        PasswordsBusy: too many passwords are being checked.
    """
    with database.read() as connection:
        row = connection.execute(_account(name)).mappings().first()
    known = passwords.matches(
        None if row is None else row["password_hash"], password[:PASSWORD_MAX_CHARACTERS]
    )
    return known and row is not None and Role(row["role"]) in (Role.OPERATOR, Role.ADMINISTRATOR)


def _account(name: str) -> Select[Any]:
    return select(users).where(users.c.name == name, users.c.disabled_at_us.is_(None))


def _second(connection: Connection, row: RowMapping, code: str, vault: Vault, now_us: int) -> bool:
    """Return whether the second factor is given, or none is asked for; a code is good once."""
    if row["totp_sealed"] is None:
        return True
    step = matching_step(vault.open(row["totp_sealed"]), code, now_us, row["totp_step"])
    if step is None:
        return False
    connection.execute(update(users).where(users.c.id == row["id"]).values(totp_step=step))
    return True
