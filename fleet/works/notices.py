"""Planned works are told to the EPCI concerned, when they are announced and when they are withdrawn.

Contacts are people with the skill ``contact`` whose territories name the EPCI; they are never on call.  One
mail a contact and window, kept to once by a row for each notice that went out.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from fleet.evidence.tables import maintenances
from fleet.incidents.context import CycleContext
from fleet.lang import format as formats
from fleet.lang.i18n import t
from fleet.live.model import CommuneNow
from fleet.notify import outbox
from fleet.notify.model import Channel, Rendered
from fleet.oncall.model import Person
from fleet.oncall.store import contacts
from fleet.works.tables import works_notices


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One window to be told."""

    works_id: int
    key: str
    """``announced`` or ``withdrawn``."""
    euis: frozenset[str]
    from_us: int
    until_us: int
    reason: str


def pending(connection: Connection, now_us: int) -> list[Notice]:
    """Return the windows that are not over and not told as they stand."""
    told: dict[int, set[str]] = defaultdict(set)
    for works_id, key in connection.execute(select(works_notices.c.works_id, works_notices.c.key)):
        told[works_id].add(key)
    query = select(maintenances).where(maintenances.c.until_at_us > now_us, maintenances.c.approved_by != "")
    found = []
    for row in connection.execute(query):
        key = "withdrawn" if row.withdrawn else "announced"
        unheard = row.withdrawn and "announced" not in told[row.id]
        if key not in told[row.id] and not unheard:
            found.append(_notice(row, key))
    return found


def _notice(row: Row[Any], key: str) -> Notice:
    return Notice(
        works_id=row.id,
        key=key,
        euis=frozenset(row.euis),
        from_us=row.from_at_us,
        until_us=row.until_at_us,
        reason=row.reason,
    )


def tell(context: CycleContext) -> None:
    """Write the notices that are pending."""
    for notice in pending(context.connection, context.now_us):
        communes = [one for one in context.network.communes.values() if notice.euis.intersection(one.members)]
        for person in contacts(context.connection, frozenset(one.epci for one in communes)):
            _write(context, notice, person, communes)
        values = {"works_id": notice.works_id, "key": notice.key, "at_us": context.now_us}
        context.connection.execute(insert(works_notices).values(**values))


def _write(context: CycleContext, notice: Notice, person: Person, communes: list[CommuneNow]) -> None:
    lang = person.language
    mine = sorted(one.name for one in communes if one.epci in person.territories)
    span = {
        "begin": formats.moment(lang, notice.from_us),
        "end": formats.moment(lang, notice.until_us),
    }
    subject = t(lang, f"notice.{notice.key}", count=len(mine), **span)
    lines = [
        subject,
        t(lang, "notice.communes", named=", ".join(mine)),
        t(lang, "notice.reason", reason=notice.reason),
    ]
    outbox.enqueue(
        context.connection,
        key=f"works/{notice.works_id}/{notice.key}/{person.id}",
        channel=Channel.MAIL,
        address=person.email,
        message=Rendered(subject=subject, text="\n\n".join(lines) + "\n"),
        now_us=context.now_us,
        person_id=person.id,
    )
