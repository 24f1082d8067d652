"""The main courante: the log of the shift, with what is handed over.

An entry stays *open* until somebody settles it; a handover lists what is open, and who takes over signs it.
Entries are append-only: a mistake is corrected by another entry.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, func, insert, select, update

from fleet.lang.text import paragraph
from fleet.shift.tables import shift_entries

TEXT_LIMIT_CHARACTERS = 2_000
PAGE_LIMIT_ROWS = 300


class EntryKind(StrEnum):
    """What an entry is."""

    NOTE = "note"
    FOLLOW = "follow"
    HANDOVER = "handover"


class EntryRefused(ValueError):
    """An entry that cannot be written; names the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the log."""

    id: int
    at_us: int
    who: str
    kind: EntryKind
    text: str
    settled_at_us: int | None
    settled_by: str
    mail_key: str = ""
    """Key of the mail that the entry is about, which is shown as it came; empty: of none."""

    @property
    def open(self) -> bool:
        """Whether the next shift must know of it."""
        return self.kind is EntryKind.FOLLOW and self.settled_at_us is None


def write(
    connection: Connection, *, kind: EntryKind, text: str, who: str, now_us: int, mail_key: str = ""
) -> int:
    """Add an entry and return its number.

    Raises:
        EntryRefused: no text, or too much of it.
    """
    text = paragraph(text).strip()
    if not text:
        raise EntryRefused("text: empty; write what the next shift must know")
    if len(text) > TEXT_LIMIT_CHARACTERS:
        raise EntryRefused(f"text: {len(text)} characters; at most {TEXT_LIMIT_CHARACTERS}")
    values = {"at_us": now_us, "who": who, "kind": kind, "text": text, "settled_by": ""}
    values["mail_key"] = mail_key
    statement = insert(shift_entries).values(**values).returning(shift_entries.c.id)
    return int(connection.execute(statement).scalar_one())


def count_by(connection: Connection, who: str, since_us: int) -> int:
    """Return how many entries somebody wrote since an instant."""
    mine = (shift_entries.c.who == who) & (shift_entries.c.at_us > since_us)
    return int(connection.execute(select(func.count()).where(mine)).scalar_one())


def settle(connection: Connection, entry_id: int, *, who: str, now_us: int) -> bool:
    """Settle an open entry; False if it is settled, or none."""
    mine = (
        (shift_entries.c.id == entry_id)
        & (shift_entries.c.kind == EntryKind.FOLLOW)
        & shift_entries.c.settled_at_us.is_(None)
    )
    done = update(shift_entries).where(mine).values(settled_at_us=now_us, settled_by=who)
    return connection.execute(done).rowcount == 1


def hand_over(connection: Connection, *, by: str, to: str, words: str, now_us: int) -> int:
    """Write a handover: who to whom, and every open entry by number.

    Raises:
        EntryRefused: nobody takes over.
    """
    if not to.strip():
        raise EntryRefused("to: empty; write who takes over")
    waiting = ", ".join(f"n° {entry.id}" for entry in open_entries(connection)) or "—"
    text = f"{by} → {to.strip()} · {waiting}" + (f" · {words.strip()}" if words.strip() else "")
    return write(connection, kind=EntryKind.HANDOVER, text=text, who=by, now_us=now_us)


def open_entries(connection: Connection) -> tuple[Entry, ...]:
    """Return what is open, oldest first."""
    query = select(shift_entries).where(
        shift_entries.c.kind == EntryKind.FOLLOW, shift_entries.c.settled_at_us.is_(None)
    )
    rows = connection.execute(query.order_by(shift_entries.c.id)).mappings()
    return tuple(Entry(**{**row, "kind": EntryKind(row["kind"])}) for row in rows)


def entries(connection: Connection, before_id: int | None = None) -> tuple[Entry, ...]:
    """Return the log, newest first, one page."""
    query = select(shift_entries).order_by(shift_entries.c.id.desc()).limit(PAGE_LIMIT_ROWS)
    if before_id is not None:
        query = query.where(shift_entries.c.id < before_id)
    rows = connection.execute(query).mappings()
    return tuple(Entry(**{**row, "kind": EntryKind(row["kind"])}) for row in rows)
