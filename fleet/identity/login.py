"""A login: name, password and second factor in, the key of a session out."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, select, update

from fleet.db.connect import Database
from fleet.db.seals import is_intact
from fleet.durations import SECOND_US
from fleet.identity import audit, passwords
from fleet.identity.attempts import Wait
from fleet.identity.people import PASSWORD_MAX_CHARACTERS, Role
from fleet.identity.sessions import begin
from fleet.identity.tables import users
from fleet.identity.totp import Vault, matching_step


class Proof(StrEnum):
    """How somebody proved who they are."""

    ONE_FACTOR = "password"
    TWO_FACTORS = "password and code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """Who proved who they are, at this instant."""

    user_id: int
    name: str
    role: Role
    proof: Proof
    set_by: str
    """Who gave the account its password."""


def log_in(
    database: Database,
    name: str,
    password: str,
    now_us: int,
    *,
    vault: Vault,
    code: str = "",
) -> str | None:
    """Return the key of a new session, or None: wrong name, password or second factor, or a broken seal.

    Raises:
        PasswordsBusy: too many passwords are being checked.
    """
    typed = _typed(database, name, password, code)
    with database.write() as connection:
        proved = _proved(connection, typed, vault, now_us)
        if proved is None:
            return None
        audit.record(connection, now_us=now_us, who=proved.name, action="login", subject="")
        return begin(connection, proved.user_id, vault, now_us)


def confirm(
    database: Database,
    name: str,
    password: str,
    now_us: int,
    *,
    vault: Vault,
    code: str = "",
    broken_too: bool = False,
) -> Proved | None:
    """Return who proved anew who they are, for one act that needs it; None as for a login.

    ``broken_too``: an account whose seal is broken may, because none is whole any more.

    Raises:
        PasswordsBusy: too many passwords are being checked.
    """
    typed = _typed(database, name, password, code)
    with database.write() as connection:
        return _proved(connection, typed, vault, now_us, broken_too=broken_too)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Typed:
    """What somebody typed, its password compared with the hash that the account had."""

    name: str
    code: str
    password_hash: str | None
    """None for an unknown name."""
    fits: bool


def _typed(database: Database, name: str, password: str, code: str) -> _Typed:
    with database.read() as connection:
        found = connection.scalar(_account(name).with_only_columns(users.c.password_hash))
    fits = passwords.matches(found, password[:PASSWORD_MAX_CHARACTERS])
    return _Typed(name=name, code=code, password_hash=found, fits=fits)


def _proved(
    connection: Connection, typed: _Typed, vault: Vault, now_us: int, *, broken_too: bool = False
) -> Proved | None:
    """Return who proved it; a refusal is written down, a broken seal by name."""
    row = connection.execute(_account(typed.name)).mappings().first() if typed.fits else None
    same = row is not None and row["password_hash"] == typed.password_hash
    ours = row is not None and (broken_too or is_intact(connection, users, row))
    if row is not None and same and ours and _second(connection, row, typed.code, vault, now_us):
        return Proved(
            user_id=row["id"],
            name=row["name"],
            role=Role(row["role"]),
            proof=Proof.ONE_FACTOR if row["totp_sealed"] is None else Proof.TWO_FACTORS,
            set_by=row["set_by"],
        )
    who = typed.name if typed.password_hash is not None else audit.UNKNOWN
    after = {"why": "seal"} if same and not ours else None
    audit.record(connection, now_us=now_us, who=who, action="login.refused", subject="", after=after)
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
        ours = row is not None and is_intact(connection, users, row)
    known = passwords.matches(
        None if row is None or not ours else row["password_hash"], password[:PASSWORD_MAX_CHARACTERS]
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
