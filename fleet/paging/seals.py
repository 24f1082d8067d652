"""A month's seal is mailed to the members the day it closes: what was closed cannot change unseen.

    month_versions with a seal, not mailed yet ─▶ one mail a contact ─▶ month_seals_mailed, one transaction

Contacts are people with the skill ``contact``, as for planned works; a mail says the month's figure, its hash
and its seal, which their mail box keeps outside our reach.

    a version without a seal (older program)   no mail
    a version that nobody could be told of     noted with 0 mails; ``passerelle fleet check`` still knows it
    a mail that does not leave                 the outbox tries again, as for every mail
    a later version of the month               a mail of its own
"""

from sqlalchemy import Row, Select, insert, select

from fleet.incidents.context import CycleContext
from fleet.lang.i18n import t
from fleet.months.tables import month_seals_mailed, month_versions
from fleet.notify import outbox
from fleet.notify.model import Channel, Rendered
from fleet.oncall.model import Person
from fleet.oncall.store import contacts

VERSIONS_LIMIT = 5
"""Versions of one cycle; the next one mails the others."""


def mail_pending(context: CycleContext) -> None:
    """Write the mails of closed versions that were not mailed."""
    for row in context.connection.execute(_pending()).all():
        epcis = frozenset(one.epci for one in context.network.communes.values())
        persons = contacts(context.connection, epcis)
        for person in persons:
            _write(context, row, person)
        mailed = {"month": row.month, "version": row.version, "at_us": context.now_us, "mails": len(persons)}
        context.connection.execute(insert(month_seals_mailed).values(**mailed))


def _pending() -> Select[tuple[str, int, str, str, object]]:
    version, mailed = month_versions.c, month_seals_mailed.c
    same = (version.month == mailed.month) & (version.version == mailed.version)
    query = select(
        version.month,
        version.version,
        version.hash,
        version.seal,
        version.figures["whole"]["availability_percent"].label("percent"),
    ).outerjoin(month_seals_mailed, same)
    missing = mailed.month.is_(None) & (version.seal != "")
    return query.where(missing).order_by(version.month, version.version).limit(VERSIONS_LIMIT)


def _write(context: CycleContext, row: Row[tuple[str, int, str, str, object]], person: Person) -> None:
    lang = person.language
    subject = t(lang, "seal.subject", month=row.month, number=row.version)
    lines = [
        subject,
        t(lang, "seal.percent", percent=row.percent or "—"),
        t(lang, "seal.hash", hash=row.hash),
        t(lang, "seal.seal", seal=row.seal),
        t(lang, "seal.why"),
    ]
    outbox.enqueue(
        context.connection,
        key=f"seal/{row.month}/{row.version}/{person.id}",
        channel=Channel.MAIL,
        address=person.email,
        message=Rendered(subject=subject, text="\n\n".join(lines) + "\n"),
        now_us=context.now_us,
        person_id=person.id,
    )
