"""People: roles, and local accounts with argon2 passwords.

Passwords are hashed and checked before a transaction begins (``passwords``).
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, delete, select, update

from fleet.db.seals import changing, is_intact
from fleet.db.upsert import upsert
from fleet.errors import InputRefused
from fleet.identity import audit, passwords
from fleet.identity.tables import sessions, users

CSRF_TOKEN_BYTES = 32
PASSWORD_MIN_CHARACTERS = 12
PASSWORD_MAX_CHARACTERS = 1024
NAME_MAX_CHARACTERS = 100


class Role(StrEnum):
    """What a person may do; each may all that the ones before may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    TECHNICIAN = "technician"
    ADMINISTRATOR = "administrator"


RIGHTS: dict[Role, frozenset[Role]] = {
    Role.VIEWER: frozenset({Role.VIEWER}),
    Role.TECHNICIAN: frozenset({Role.VIEWER, Role.TECHNICIAN}),
    Role.OPERATOR: frozenset({Role.VIEWER, Role.TECHNICIAN, Role.OPERATOR}),
    Role.ADMINISTRATOR: frozenset(Role),
}
"""Role held → roles it may act as: an operator pushes configurations and may do what a technician does."""


class Scope(StrEnum):
    """What a machine's token opens; people have no scopes."""

    READ = "read"
    """All that a viewer reads over the API."""
    OPEN_DATA = "opendata"
    """The open data alone."""
    WALL = "wall"
    """The wallboard alone."""
    UPLINKS = "uplinks"
    """To hand in the LNS's uplink events."""


class PersonError(InputRefused):
    """An account that cannot be made; names the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who asks."""

    name: str
    role: Role
    csrf_token: str = ""
    territories: frozenset[str] = frozenset()
    """INSEE codes, EPCI or départements; empty means everywhere."""
    scopes: frozenset[Scope] | None = None
    """None: a person; else a machine's token."""

    def may(self, role: Role) -> bool:
        """Return whether this person may act as ``role``."""
        return role in RIGHTS[self.role]


OPEN_ACCESS = Person(
    name="démonstration", role=Role.OPERATOR, csrf_token=secrets.token_urlsafe(CSRF_TOKEN_BYTES)
)
"""Everyone, with `--open-access`: loopback only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What is stored of an account; its password is hashed already."""

    name: str
    role: Role
    password_hash: str


def account_of(*, name: str, role: str, password: str) -> Account:
    """Return an account to be set.

    Raises:
        PersonError: the name, role or password cannot be used.
        PasswordsBusy: too many passwords are being hashed.
    """
    if not 1 <= len(name.strip()) <= NAME_MAX_CHARACTERS:
        text = f"name: 1 to {NAME_MAX_CHARACTERS} characters"
        raise PersonError(text, key="refusal.name", limit=NAME_MAX_CHARACTERS)
    if role not in list(Role):
        raise PersonError(f"role: {role!r} is not one of {', '.join(Role)}", key="refusal.role")
    if not PASSWORD_MIN_CHARACTERS <= len(password) <= PASSWORD_MAX_CHARACTERS:
        text = f"password: at least {PASSWORD_MIN_CHARACTERS} characters"
        raise PersonError(text, key="refusal.password", limit=PASSWORD_MIN_CHARACTERS)
    return Account(name=name.strip(), role=Role(role), password_hash=passwords.hash_of(password))


def whole_administrators(connection: Connection) -> list[str]:
    """Return the names of open administrators whose seal is whole."""
    query = select(users).where(users.c.role == Role.ADMINISTRATOR, users.c.disabled_at_us.is_(None))
    rows = connection.execute(query.order_by(users.c.name)).mappings()
    return [row["name"] for row in rows if is_intact(connection, users, row)]


def set_user(connection: Connection, account: Account, *, who: str, now_us: int) -> None:
    """Add a person or replace role and password; their sessions end.

    Raises:
        SealBroken: somebody else changed the account.
    """
    row = {
        "name": account.name,
        "role": account.role,
        "password_hash": account.password_hash,
        "created_at_us": now_us,
        "disabled_at_us": None,
        "set_by": who,
    }
    with changing(connection, users, users.c.name == account.name):
        upsert(connection, users, [row], key=("name",))
    user_id = select(users.c.id).where(users.c.name == account.name).scalar_subquery()
    connection.execute(delete(sessions).where(sessions.c.user_id == user_id))
    after = {"role": account.role}
    audit.record(connection, now_us=now_us, who=who, action="user.set", subject=account.name, after=after)


def set_totp(connection: Connection, name: str, sealed: str | None, *, who: str, now_us: int) -> None:
    """Give an account a second factor, or take it away; its sessions end.

    Raises:
        PersonError: nobody has that name.
        SealBroken: somebody else changed the account.
    """
    mine = users.c.name == name
    with changing(connection, users, mine):
        values = {"totp_sealed": sealed, "totp_step": None}
        there = connection.execute(update(users).where(mine).values(values)).rowcount
    if not there:
        raise PersonError(f"name: nobody is called {name!r}")
    user_id = select(users.c.id).where(mine).scalar_subquery()
    connection.execute(delete(sessions).where(sessions.c.user_id == user_id))
    action = "user.totp_off" if sealed is None else "user.totp_on"
    audit.record(connection, now_us=now_us, who=who, action=action, subject=name)


def set_territories(
    connection: Connection, name: str, territories: Collection[str], *, who: str, now_us: int
) -> None:
    """Bound what an account reads over the API to some communes, EPCI or départements; none: everywhere.

    Raises:
        PersonError: nobody has that name.
        SealBroken: somebody else changed the account.
    """
    told, mine = sorted(set(territories)), users.c.name == name
    with changing(connection, users, mine):
        there = connection.execute(update(users).where(mine).values(territories=told)).rowcount
    if not there:
        raise PersonError(f"name: nobody is called {name!r}")
    after = {"territories": told}
    audit.record(connection, now_us=now_us, who=who, action="user.territories", subject=name, after=after)
