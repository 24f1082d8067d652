"""Acknowledge links: a random name, signed; only its hash is stored; bound to a ticket and a person.

The token is made when a message is sent, not when it is written: no clear token ever lies in the database.
GET never uses it up (mail scanners fetch every link); POST does, once.

Sources: DESIGN §7; itsdangerous ``Signer`` (HMAC); RFC 9110 §9.2.1 on safe methods.
"""

import hashlib
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from itsdangerous import BadSignature, Signer
from sqlalchemy import Connection, insert, select, update

from fleet.durations import HOUR_US
from fleet.tickets.tables import ticket_links

LIFE_US = 24 * HOUR_US
"""A link outlives the four hours and a night, not the week."""

NAME_BYTES = 16
"""128 bits of randomness."""

SECRET_BYTES = 32
"""As long as the digest that it keys."""

TOKEN_LIMIT_CHARACTERS = 128
"""Longer ones are refused before any arithmetic."""

SECRET_NAME = "links.key"  # noqa: S105 the name of a file

SALT = "passerelle.acknowledge"


class LinkState(StrEnum):
    """What a link is worth."""

    VALID = "valid"
    USED = "used"
    EXPIRED = "expired"
    FORGED = "forged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One known link."""

    id: int
    ticket_id: int
    person_id: int | None
    who: str
    state: LinkState


def read_secret(path: Path) -> bytes:
    """Return the signing secret in ``path``, made at first use, readable by its owner only.

    It is written whole beside its place and linked there: two processes that start together share one.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        partial = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
        with suppress(FileExistsError):
            os.link(partial, path)
        partial.unlink()
        return path.read_bytes()


def mint(
    connection: Connection, secret: bytes, *, ticket_id: int, person_id: int | None, who: str, now_us: int
) -> str:
    """Return a new token for one person and one ticket."""
    token = Signer(secret, salt=SALT).sign(secrets.token_urlsafe(NAME_BYTES)).decode()
    row = {"token_hash": _hash(token), "ticket_id": ticket_id, "person_id": person_id, "who": who}
    instants = {"created_at_us": now_us, "expires_at_us": now_us + LIFE_US}
    connection.execute(insert(ticket_links).values(**row, **instants))
    return token


def look(connection: Connection, secret: bytes, token: str, now_us: int) -> Link | None:
    """Return what the token stands for; None if it is none of ours.  Changes nothing."""
    if len(token) > TOKEN_LIMIT_CHARACTERS:
        return None
    try:
        Signer(secret, salt=SALT).unsign(token)
    except BadSignature:
        return None
    query = select(ticket_links).where(ticket_links.c.token_hash == _hash(token))
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    state = LinkState.VALID
    if row.used_at_us is not None:
        state = LinkState.USED
    elif now_us >= row.expires_at_us:
        state = LinkState.EXPIRED
    return Link(id=row.id, ticket_id=row.ticket_id, person_id=row.person_id, who=row.who, state=state)


def use(connection: Connection, link: Link, now_us: int) -> bool:
    """Use the link up; False if somebody was faster."""
    mine = (ticket_links.c.id == link.id) & ticket_links.c.used_at_us.is_(None)
    return connection.execute(update(ticket_links).where(mine).values(used_at_us=now_us)).rowcount == 1


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
