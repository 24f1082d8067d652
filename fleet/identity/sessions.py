"""Sessions of people: kept by a digest that needs a secret outside of the database; listed and ended.

The key of a session is random, and what is stored of it is an HMAC with a secret of the data folder: who
reads the database cannot log in with a row, and who writes it cannot make one.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from fleet.db.connect import Database
from fleet.db.seals import changing, is_intact, taking_away
from fleet.durations import HOUR_US
from fleet.identity import audit
from fleet.identity.keys import replace_file
from fleet.identity.people import Person, PersonError, Role
from fleet.identity.tables import sessions, users
from fleet.identity.totp import KEY_FILE, NEXT_KEY_FILE, TotpError, Vault

SESSION_KEY_BYTES = 32
SESSION_LIFE_US = 12 * HOUR_US
"""One shift."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One session that is open."""

    name: str
    begun_at_us: int
    expires_at_us: int


def begin(connection: Connection, user_id: int, vault: Vault, now_us: int) -> str:
    """Return the key of a new session; those that have expired go."""
    key = secrets.token_urlsafe(SESSION_KEY_BYTES)
    connection.execute(delete(sessions).where(sessions.c.expires_at_us <= now_us))
    session = {
        "key_sha256": vault.digest(key),
        "user_id": user_id,
        "csrf_token": secrets.token_urlsafe(SESSION_KEY_BYTES),
        "created_at_us": now_us,
        "expires_at_us": now_us + SESSION_LIFE_US,
    }
    with changing(connection, sessions, sessions.c.key_sha256 == session["key_sha256"], whole=True):
        connection.execute(insert(sessions).values(session))
    return key


def person_of(connection: Connection, key: str, vault: Vault, now_us: int) -> Person | None:
    """Return who holds the session ``key``; a session or account that somebody else wrote is nobody's."""
    open_ = (sessions.c.key_sha256 == vault.digest(key)) & (sessions.c.expires_at_us > now_us)
    session = connection.execute(select(sessions).where(open_)).mappings().first()
    if session is None or not is_intact(connection, sessions, session):
        return None
    theirs = (users.c.id == session["user_id"]) & users.c.disabled_at_us.is_(None)
    row = connection.execute(select(users).where(theirs)).mappings().first()
    if row is None or not is_intact(connection, users, row):
        return None
    return Person(
        name=row["name"],
        role=Role(row["role"]),
        csrf_token=session["csrf_token"],
        territories=frozenset(row["territories"]),
    )


def log_out(connection: Connection, key: str, vault: Vault) -> None:
    """End one session by its key."""
    connection.execute(delete(sessions).where(sessions.c.key_sha256 == vault.digest(key)))


def load_open(connection: Connection, now_us: int) -> list[Session]:
    """Return the sessions that are open, the newest first."""
    query = (
        select(users.c.name, sessions.c.created_at_us, sessions.c.expires_at_us)
        .join(users, users.c.id == sessions.c.user_id)
        .where(sessions.c.expires_at_us > now_us)
        .order_by(sessions.c.created_at_us.desc(), users.c.name)
    )
    return [
        Session(name=row.name, begun_at_us=row.created_at_us, expires_at_us=row.expires_at_us)
        for row in connection.execute(query)
    ]


def end(connection: Connection, name: str, *, who: str, now_us: int) -> int:
    """End every session of an account; return how many."""
    ended = connection.execute(delete(sessions).where(sessions.c.user_id.in_(_id_of(name)))).rowcount
    after = {"sessions": ended}
    audit.record(connection, now_us=now_us, who=who, action="user.sessions_end", subject=name, after=after)
    return ended


def close_account(connection: Connection, name: str, *, who: str, now_us: int) -> int:
    """Close an account at once, with its sessions; setting it again opens it.

    Raises:
        PersonError: nobody has that name, it is closed already, or it is the last open administrator.
    """
    mine = (users.c.name == name) & users.c.disabled_at_us.is_(None)
    role = connection.scalar(select(users.c.role).where(mine))
    if role is None:
        raise PersonError(f"name: no open account is called {name!r}", key="refusal.account.unknown")
    administrators = (users.c.role == Role.ADMINISTRATOR) & users.c.disabled_at_us.is_(None)
    if role == Role.ADMINISTRATOR:
        count = connection.scalar(select(func.count()).select_from(users).where(administrators))
        if count == 1:
            text = f"name: {name!r} is the last administrator; make another first"
            raise PersonError(text, key="refusal.account.last")
    with taking_away(connection, users, users.c.name == name):
        connection.execute(update(users).where(mine).values(disabled_at_us=now_us))
    audit.record(connection, now_us=now_us, who=who, action="user.close", subject=name)
    return end(connection, name, who=who, now_us=now_us)


def _id_of(name: str) -> Select[Any]:
    return select(users.c.id).where(users.c.name == name)


def rotate_key(database: Database, keys: Path, *, who: str, now_us: int) -> int:
    """Put a new secret in place of the one that sessions are kept with; return how many sessions end.

    Second factors are sealed anew.  After it was killed, the next try goes on with the key that it had made.

    Raises:
        TotpError: a second factor was sealed with neither key.
    """
    fresh_path = keys / NEXT_KEY_FILE
    if not fresh_path.exists():
        replace_file(fresh_path, secrets.token_bytes(SESSION_KEY_BYTES))
    old, fresh = Vault(keys), Vault(keys, NEXT_KEY_FILE)
    with database.write() as connection:
        sealed = select(users.c.id, users.c.totp_sealed).where(users.c.totp_sealed.is_not(None))
        for row in connection.execute(sealed).all():
            again = _sealed_anew(old, fresh, row.totp_sealed)
            with taking_away(connection, users, users.c.id == row.id):
                connection.execute(update(users).where(users.c.id == row.id).values(totp_sealed=again))
        ended = connection.execute(delete(sessions)).rowcount
        audit.record(connection, now_us=now_us, who=who, action="session_key.rotate", subject=KEY_FILE)
    fresh_path.replace(keys / KEY_FILE)
    return ended


def _sealed_anew(old: Vault, fresh: Vault, sealed: str) -> str:
    try:
        fresh.open(sealed)
    except TotpError:
        return fresh.seal(old.open(sealed))
    return sealed
