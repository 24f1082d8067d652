"""The outbox in the database: write in the caller's transaction, claim, note how it ended."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fleet.notify import gsm, mirrors
from fleet.notify.model import Channel, Delivery, Notification, Outgoing, Rendered
from fleet.notify.receipts import Receipt, after
from fleet.notify.tables import channels, delivery_attempts, outbox, outbox_tickets
from fleet.notify.timing import LIFE_US, next_attempt_us
from fleet.oncall.tables import people

LEASE_US = 120_000_000
"""How long a claimed message belongs to its worker: longer than any channel's own time-outs together."""

CLAIM_LIMIT_ROWS = 50
"""Messages of one claim; the rest follows at once."""

ERROR_LIMIT_CHARACTERS = 500
"""Characters of a server's answer that are kept for the ticket."""


KEY_LIMIT_CHARACTERS = 80
"""A key that speaks of many tickets is shortened to its hash."""


def short_key(key: str) -> str:
    """Return the key itself, or its hash if it is long; the same in gives the same out."""
    if len(key) <= KEY_LIMIT_CHARACTERS:
        return key
    return "hash/" + hashlib.sha256(key.encode()).hexdigest()


def enqueue(
    connection: Connection,
    *,
    key: str,
    channel: Channel,
    address: str,
    message: Rendered,
    now_us: int,
    due_at_us: int | None = None,
    person_id: int | None = None,
    ticket_ids: Sequence[int] = (),
    detail: dict[str, Any] | None = None,
) -> bool:
    """Write a message; False if one with that key is there already."""
    values = {
        "key": key,
        "channel": channel,
        "address": address,
        "person_id": person_id,
        "subject": message.subject,
        "text": gsm.plain(message.sms) if channel is Channel.SMS else message.text,
        "html": message.html if channel is Channel.MAIL else "",
        "detail": detail or {},
        "state": Delivery.PENDING,
        "created_at_us": now_us,
        "due_at_us": now_us if due_at_us is None else due_at_us,
    }
    dialect = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    statement = dialect(outbox).values(**values).on_conflict_do_nothing(index_elements=["key"])
    number = connection.execute(statement.returning(outbox.c.id)).scalar_one_or_none()
    if number is None:
        return False
    if ticket_ids:
        rows = [{"outbox_id": number, "ticket_id": ticket_id} for ticket_id in ticket_ids]
        connection.execute(insert(outbox_tickets), rows)
    return True


def _due(now_us: int) -> Select[tuple[int]]:
    return select(outbox.c.id).where(
        outbox.c.state == Delivery.PENDING,
        outbox.c.due_at_us <= now_us,
        outbox.c.leased_until_us <= now_us,
        mirrors.in_turn(),
    )


def waiting(connection: Connection, *, now_us: int) -> bool:
    """Return whether a claim would find something; a look costs no write."""
    return connection.execute(_due(now_us).limit(1)).first() is not None


def claim(
    connection: Connection, *, worker: str, now_us: int, limit: int = CLAIM_LIMIT_ROWS
) -> tuple[Outgoing, ...]:
    """Lease the messages that are due, oldest first."""
    _give_up(connection, now_us)
    due = _due(now_us).order_by(outbox.c.due_at_us, outbox.c.id).limit(limit)
    if connection.dialect.name == "postgresql":
        due = due.with_for_update(skip_locked=True)
    leased = (
        update(outbox)
        .where(outbox.c.id.in_(due.scalar_subquery()))
        .values(leased_by=worker, leased_until_us=now_us + LEASE_US)
        .returning(outbox)
    )
    names = (
        "id",
        "key",
        "address",
        "subject",
        "text",
        "html",
        "created_at_us",
        "person_id",
        "detail",
    )
    rows = connection.execute(leased).mappings().all()
    found = [
        Outgoing(
            channel=Channel(row["channel"]),
            attempts=row["attempts"] + 1,
            **{name: row[name] for name in names},
        )
        for row in rows
    ]
    return tuple(sorted(found, key=lambda message: message.id))


def _give_up(connection: Connection, now_us: int) -> None:
    """Fail what ends its workers again and again: it must not go on for ever."""
    old = (outbox.c.created_at_us <= now_us - LIFE_US) & outbox.c.channel.not_in(mirrors.MIRRORS)
    old |= outbox.c.created_at_us <= now_us - mirrors.LIFE_US
    mine = (outbox.c.state == Delivery.PENDING) & old & (outbox.c.leased_until_us <= now_us)
    words = "given up: too old; the last word was: "
    values = {"state": Delivery.FAILED, "error": words + func.coalesce(outbox.c.error, "")}
    connection.execute(update(outbox).where(mine).values(**values))


def sent(
    connection: Connection, message: Outgoing, *, now_us: int, provider_id: str = "", remark: str = ""
) -> None:
    """Note that the server took it, with a remark if it said less than it should."""
    values: dict[str, Any] = {
        "state": Delivery.SENT,
        "sent_at_us": now_us,
        "error": remark,
        "provider_id": provider_id,
    }
    values["attempts"] = message.attempts
    connection.execute(update(outbox).where(outbox.c.id == message.id).values(**values))
    _attempt(connection, message.id, now_us, "sent", remark)


def withdraw(connection: Connection, message: Outgoing, *, now_us: int, reason: str) -> None:
    """Note that a claimed message is not sent, because events have overtaken it."""
    values = {"state": Delivery.WITHDRAWN, "error": reason, "leased_until_us": 0}
    connection.execute(update(outbox).where(outbox.c.id == message.id).values(**values))
    _attempt(connection, message.id, now_us, Delivery.WITHDRAWN, reason)


def withdrawn(connection: Connection, from_us: int, until_us: int) -> int:
    """Return how many messages were withdrawn within the span."""
    columns = delivery_attempts.c
    mine = (columns.outcome == Delivery.WITHDRAWN) & (columns.at_us >= from_us) & (columns.at_us < until_us)
    query = select(func.count()).select_from(delivery_attempts).where(mine)
    return int(connection.execute(query).scalar_one())


def reached(connection: Connection, message: Outgoing, ticket_id: int, *, now_us: int) -> bool:
    """Return whether an earlier message about the ticket has gone, or may have, where this one goes."""
    about = select(outbox_tickets.c.outbox_id).where(outbox_tickets.c.ticket_id == ticket_id)
    same = (outbox.c.channel == message.channel) & (outbox.c.address == message.address)
    earlier = outbox.c.id.in_(about) & same & (outbox.c.id < message.id)
    gone = outbox.c.state.in_((Delivery.SENT, Delivery.DELIVERED)) | (outbox.c.leased_until_us > now_us)
    if message.channel is Channel.SMS:
        gone |= outbox.c.attempts > 0
    return connection.execute(select(outbox.c.id).where(earlier & gone).limit(1)).first() is not None


def failed(
    connection: Connection, message: Outgoing, *, now_us: int, error: str, final: bool = False
) -> Delivery:
    """Note a failure; plan the next attempt, or give up."""
    error = error[:ERROR_LIMIT_CHARACTERS]
    patient = message.channel in mirrors.MIRRORS
    again_us = None if final else next_attempt_us(message.attempts, now_us, patient=patient)
    state = Delivery.FAILED if again_us is None else Delivery.PENDING
    values: dict[str, Any] = {"state": state, "error": error, "leased_until_us": 0}
    values["attempts"] = message.attempts
    if again_us is not None:
        values["due_at_us"] = again_us
    connection.execute(update(outbox).where(outbox.c.id == message.id).values(**values))
    _attempt(connection, message.id, now_us, "failed" if again_us is None else "retry", error)
    return state


def reported(
    connection: Connection, provider_id: str, found: Receipt, *, now_us: int, detail: str = ""
) -> bool:
    """Note a delivery report; False when it answers no message of ours.  A report twice changes nothing."""
    mine = (outbox.c.provider_id == provider_id) & (outbox.c.channel == Channel.SMS)
    known = connection.execute(select(outbox.c.id, outbox.c.state).where(mine)).first()
    if known is None:
        return False
    state = after(Delivery(known.state), found)
    if state.value == known.state:
        return True
    arrived = state is Delivery.DELIVERED
    error = "" if arrived else detail[:ERROR_LIMIT_CHARACTERS]
    values = {"state": state, "delivered_at_us": now_us if arrived else None, "error": error}
    connection.execute(update(outbox).where(outbox.c.id == known.id).values(**values))
    _attempt(connection, known.id, now_us, state.value, error)
    return True


def _attempt(connection: Connection, outbox_id: int, now_us: int, outcome: str, error: str) -> None:
    row = {"outbox_id": outbox_id, "at_us": now_us, "outcome": outcome, "error": error}
    connection.execute(insert(delivery_attempts).values(**row))


def of_ticket(connection: Connection, ticket_id: int) -> tuple[Notification, ...]:
    """Return every message about a ticket, oldest first."""
    about = select(outbox_tickets.c.outbox_id).where(outbox_tickets.c.ticket_id == ticket_id)
    query = select(outbox).where(outbox.c.id.in_(about)).order_by(outbox.c.id)
    names = (
        "id",
        "address",
        "subject",
        "attempts",
        "error",
        "created_at_us",
        "sent_at_us",
        "delivered_at_us",
    )
    return tuple(
        Notification(
            channel=Channel(row["channel"]),
            state=Delivery(row["state"]),
            **{name: row[name] for name in names},
        )
        for row in connection.execute(query).mappings()
    )


def stuck_since(connection: Connection) -> int | None:
    """Return since when a way to reach people has tried in vain and let nothing through; None: none has."""
    ways, found = (Channel.MAIL, Channel.SMS), []
    for way in ways:
        mine = outbox.c.channel == way
        waits = mine & (outbox.c.state == Delivery.PENDING) & (outbox.c.attempts > 0)
        oldest = connection.execute(select(func.min(outbox.c.created_at_us)).where(waits)).scalar()
        if oldest is None:
            continue
        newest = connection.execute(select(func.max(outbox.c.sent_at_us)).where(mine)).scalar()
        if newest is None or newest < oldest:
            found.append(int(oldest))
    return min(found, default=None)


def recipients(connection: Connection, ticket_id: int) -> tuple[int, ...]:
    """Return the people who were written to about a ticket."""
    about = select(outbox_tickets.c.outbox_id).where(outbox_tickets.c.ticket_id == ticket_id)
    stands = outbox.c.state != Delivery.WITHDRAWN
    query = select(outbox.c.person_id).where(outbox.c.id.in_(about), outbox.c.person_id.is_not(None), stands)
    return tuple(connection.execute(query.distinct().order_by(outbox.c.person_id)).scalars())


def person_name(connection: Connection, person_id: int | None) -> str:
    """Return a person's name, empty when there is none."""
    found = connection.execute(select(people.c.name).where(people.c.id == person_id)).scalar()
    return "" if found is None else str(found)


def enabled_channels(connection: Connection) -> frozenset[Channel]:
    """Return the ways that the sending process is set up for; mail is always one: its failure must show."""
    rows = connection.execute(select(channels.c.channel)).scalars()
    return frozenset({Channel.MAIL, *(Channel(row) for row in rows)})


def enable_channels(connection: Connection, enabled: Iterable[Channel], now_us: int) -> None:
    """Write which ways the sending process is set up for."""
    connection.execute(delete(channels))
    for channel in enabled:
        connection.execute(insert(channels).values(channel=channel.value, since_at_us=now_us))


def next_number(connection: Connection) -> int:
    """Return a number above that of every message so far, for keys of things that repeat."""
    return int(connection.execute(select(func.coalesce(func.max(outbox.c.id), 0))).scalar_one()) + 1


def recent_to(connection: Connection, person_id: int, channel: Channel, since_us: int) -> tuple[int, ...]:
    """Return when messages on a channel to a person were or will be sent, for throttles."""
    mine = (outbox.c.person_id == person_id) & (outbox.c.channel == channel) & (outbox.c.due_at_us > since_us)
    mine &= outbox.c.state != Delivery.WITHDRAWN
    return tuple(connection.execute(select(outbox.c.due_at_us).where(mine)).scalars())


def provider_of(connection: Connection, channel: Channel, ticket_id: int) -> str:
    """Return the number that a mirror gave a ticket; empty before it did."""
    about = select(outbox_tickets.c.outbox_id).where(outbox_tickets.c.ticket_id == ticket_id)
    mine = outbox.c.id.in_(about) & (outbox.c.channel == channel) & (outbox.c.provider_id != "")
    found = connection.execute(select(outbox.c.provider_id).where(mine).limit(1)).scalar()
    return "" if found is None else str(found)


def tickets_written_about(connection: Connection, person_id: int) -> tuple[int, ...]:
    """Return the tickets that a person was written to about, the newest message first, each once."""
    query = (
        select(outbox_tickets.c.ticket_id, func.max(outbox.c.id).label("newest"))
        .join(outbox, outbox.c.id == outbox_tickets.c.outbox_id)
        .where(outbox.c.person_id == person_id, outbox.c.state != Delivery.WITHDRAWN)
        .group_by(outbox_tickets.c.ticket_id)
    )
    rows = connection.execute(query).all()
    return tuple(row.ticket_id for row in sorted(rows, key=lambda row: (-row.newest, row.ticket_id)))
