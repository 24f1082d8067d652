"""Tokens of machines: ``Authorization: Bearer psl_…``; scoped, hashed at rest, expiring, revocable, audited.

A token reads, or hands in what its scope names; it never acts as a person.  Only its SHA-256 is stored: 256
random bits need no slow hash.
Sources: RFC 6750 (bearer tokens), OWASP "REST Security".
"""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from fleet.db.connect import Database
from fleet.db.seals import changing, is_intact, taking_away
from fleet.durations import DAY_US, HOUR_US
from fleet.identity import audit
from fleet.identity.people import NAME_MAX_CHARACTERS, Person, PersonError, Role, Scope
from fleet.identity.tables import api_tokens

PREFIX = "psl_"
"""So that a scanner for leaked secrets can know one."""
TOKEN_BYTES = 32
LIFE_DEFAULT_DAYS = 365
LIFE_LIMIT_DAYS = 730
USED_EVERY_US = HOUR_US
"""How often the use of a token is written down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is kept of one token."""

    name: str
    scopes: tuple[Scope, ...]
    territories: tuple[str, ...]
    created_by: str
    created_at_us: int
    expires_at_us: int
    revoked_at_us: int | None
    used_at_us: int | None


def bearer(header: str) -> str:
    """Return the token of an Authorization header, empty when it holds none of ours.

    >>> bearer("Bearer psl_abc"), bearer("Basic x")
    ('psl_abc', '')
    """
    kind, _, token = header.partition(" ")
    return token.strip() if kind.lower() == "bearer" and token.strip().startswith(PREFIX) else ""


def create(
    connection: Connection,
    *,
    name: str,
    scopes: Collection[str],
    territories: Collection[str] = (),
    days: int = LIFE_DEFAULT_DAYS,
    who: str,
    now_us: int,
) -> str:
    """Return a new token; it is told this once.

    Raises:
        PersonError: a name that is taken, an unknown scope, or a life that is too long.
    """
    if not 1 <= len(name.strip()) <= NAME_MAX_CHARACTERS:
        raise PersonError(f"name: 1 to {NAME_MAX_CHARACTERS} characters")
    if unknown := [one for one in scopes if one not in list(Scope)] or not scopes:
        raise PersonError(f"scope: {unknown if scopes else 'none'}; one or more of {', '.join(Scope)}")
    if not 1 <= days <= LIFE_LIMIT_DAYS:
        raise PersonError(f"days: {days} is not within 1 and {LIFE_LIMIT_DAYS}")
    token = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    row = {
        "name": name.strip(),
        "key_sha256": _digest(token),
        "scopes": sorted(set(scopes)),
        "territories": sorted(set(territories)),
        "created_at_us": now_us,
        "created_by": who,
        "expires_at_us": now_us + days * DAY_US,
    }
    try:
        with changing(connection, api_tokens, api_tokens.c.name == row["name"]):
            connection.execute(insert(api_tokens).values(row))
    except IntegrityError as error:
        raise PersonError(f"name: there is a token {name.strip()!r} already; a name is used once") from error
    told = {key: row[key] for key in ("scopes", "territories", "expires_at_us")}
    audit.record(connection, now_us=now_us, who=who, action="token.create", subject=name.strip(), after=told)
    return token


def revoke(connection: Connection, name: str, *, who: str, now_us: int) -> bool:
    """Put a token out of force, at once; return whether there was one in force."""
    mine = (api_tokens.c.name == name) & api_tokens.c.revoked_at_us.is_(None)
    with taking_away(connection, api_tokens, api_tokens.c.name == name):
        ended = connection.execute(update(api_tokens).where(mine).values(revoked_at_us=now_us)).rowcount
    if ended:
        audit.record(connection, now_us=now_us, who=who, action="token.revoke", subject=name)
    return bool(ended)


def load(connection: Connection) -> list[Token]:
    """Return every token that ever was, by name."""
    rows = connection.execute(select(api_tokens).order_by(api_tokens.c.name)).mappings()
    return [
        Token(
            name=row["name"],
            scopes=tuple(Scope(one) for one in row["scopes"]),
            territories=tuple(row["territories"]),
            created_by=row["created_by"],
            created_at_us=row["created_at_us"],
            expires_at_us=row["expires_at_us"],
            revoked_at_us=row["revoked_at_us"],
            used_at_us=row["used_at_us"],
        )
        for row in rows
    ]


def machine_of(database: Database, token: str, now_us: int) -> Person | None:
    """Return who holds ``token``, and write down now and then that it is used; a broken seal is nobody's."""
    row_ = api_tokens.c
    mine = (row_.key_sha256 == _digest(token)) & row_.revoked_at_us.is_(None) & (row_.expires_at_us > now_us)
    with database.read() as connection:
        row = connection.execute(select(api_tokens).where(mine)).mappings().first()
        if row is None or not is_intact(connection, api_tokens, row):
            return None
    if row["used_at_us"] is None or now_us - row["used_at_us"] >= USED_EVERY_US:
        with database.write() as connection:
            connection.execute(update(api_tokens).where(mine).values(used_at_us=now_us))
    return Person(
        name=f"jeton {row['name']}",
        role=Role.VIEWER,
        territories=frozenset(row["territories"]),
        scopes=frozenset(Scope(one) for one in row["scopes"]),
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
