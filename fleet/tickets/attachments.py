"""Photos of a ticket, in the database with it: stripped, limited, each in the audit trail."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select

from fleet.tickets import mirror, store
from fleet.tickets.photos import PhotoRefused, Picture
from fleet.tickets.tables import ticket_attachments

PHOTOS_LIMIT = 12
"""The most photos of one ticket: cabinet, label, antenna, before and after; one more is refused."""

NAME_LIMIT_CHARACTERS = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One photo, without its bytes."""

    id: int
    name: str
    media_type: str
    size_bytes: int
    who: str
    at_us: int


def attach(
    connection: Connection,
    ticket_id: int,
    *,
    name: str,
    picture: Picture,
    who: str,
    via: str,
    now_us: int,
    at_us: int | None = None,
) -> Attachment:
    """Keep a photo; the same one twice is kept once.  ``at_us``: when a phone without coverage took it.

    Raises:
        PhotoRefused: too many.
        store.NoSuchTicket: the number is not known.
    """
    ticket = store.get(connection, ticket_id)
    digest, size_bytes = picture.sha256, len(picture.content)
    columns = ticket_attachments.c
    mine = columns.ticket_id == ticket_id
    known = connection.execute(select(columns.id).where(mine, columns.sha256 == digest)).scalar()
    if known is not None:
        return next(one for one in of_ticket(connection, ticket_id) if one.id == known)
    query = select(func.count()).select_from(ticket_attachments).where(mine)
    if int(connection.execute(query).scalar_one()) >= PHOTOS_LIMIT:
        text = f"photo: this ticket has {PHOTOS_LIMIT} photos, the most it may have"
        raise PhotoRefused(text, key="refusal.photo.limit", limit=PHOTOS_LIMIT)
    taken_us = now_us if at_us is None else min(at_us, now_us)
    values = {
        "ticket_id": ticket_id,
        "name": _plain_name(name),
        "media_type": picture.media_type,
        "size_bytes": size_bytes,
        "sha256": digest,
        "who": who,
        "at_us": taken_us,
        "content": picture.content,
    }
    number = connection.execute(
        insert(ticket_attachments).values(**values).returning(columns.id)
    ).scalar_one()
    detail = {"name": values["name"], "size_bytes": size_bytes, "sha256": digest}
    instants = {"at_us": taken_us, "now_us": now_us}
    store.log(connection, ticket_id, kind="Attach", who=who, via=via, detail=detail, **instants)
    described = detail | {"id": number, "media_type": values["media_type"]}
    mirror.tell(connection, ticket, "Attach", now_us, attachment=described)
    return next(one for one in of_ticket(connection, ticket_id) if one.id == number)


def _plain_name(name: str) -> str:
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable())[:NAME_LIMIT_CHARACTERS] or "photo"


def of_ticket(connection: Connection, ticket_id: int) -> tuple[Attachment, ...]:
    """Return the photos of a ticket, oldest first."""
    columns = ticket_attachments.c
    names = ("id", "name", "media_type", "size_bytes", "who", "at_us")
    query = select(*(columns[name] for name in names)).where(columns.ticket_id == ticket_id)
    rows = connection.execute(query.order_by(columns.id)).mappings()
    return tuple(Attachment(**row) for row in rows)


def content(connection: Connection, ticket_id: int, attachment_id: int) -> tuple[str, bytes] | None:
    """Return media type and bytes of one photo; None if the ticket has no such one."""
    columns = ticket_attachments.c
    query = select(columns.media_type, columns.content).where(
        columns.id == attachment_id, columns.ticket_id == ticket_id
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.media_type, bytes(row.content))
