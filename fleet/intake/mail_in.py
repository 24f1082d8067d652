"""Mails that report a fault: kept at once, entered as tickets by the next cycle, never lost.

    MTA ── pipe ──▶ passerelle fleet report-mail --data …  ─┐
    a mail service's hook ──▶ POST /api/v1/mail/{token}     ─┴▶ row ──▶ cycle ──▶ ticket, or the main courante

The row comes first, so that a mail is taken while the engine is down, and its time of arrival counts.  A mail
that names no commune of ours becomes an open entry of the main courante: somebody reads it and enters it.
"""

import hmac
from hashlib import sha256

from sqlalchemy import Connection, Row, select, update

from fleet.db.upsert import insert_new
from fleet.incidents.context import CycleContext
from fleet.intake import calls
from fleet.intake.calls import OLD_LIMIT_US, Call, CallRefused
from fleet.intake.reading import ReportMail, commune_of, read
from fleet.intake.tables import report_mails
from fleet.lang.format import moment
from fleet.lang.i18n import t
from fleet.shift import log as shift
from fleet.shift.log import EntryKind
from fleet.tickets.model import Origin

WHO = "passerelle"
CLAIM_LIMIT_ROWS = 50
"""Mails entered in one cycle; the rest one second later."""


def keep(connection: Connection, raw: bytes, now_us: int) -> bool:
    """Keep a mail for the next cycle; False if it is here already.

    Raises:
        MailRefused: no report.
    """
    mail = read(raw)
    received_us = now_us if mail.received_us is None else min(mail.received_us, now_us)
    row = {
        "key": mail.key,
        "sender": mail.sender,
        "recipients": list(mail.recipients),
        "subject": mail.subject,
        "text": mail.text,
        "received_at_us": max(received_us, now_us - OLD_LIMIT_US),
        "recorded_at_us": now_us,
    }
    return insert_new(connection, report_mails, [row]) == 1


def enter_waiting(context: CycleContext) -> None:
    """Enter the mails that wait: a ticket each, or a line on the one that is open there."""
    waiting = report_mails.c.entered_at_us.is_(None)
    query = select(report_mails).where(waiting).order_by(report_mails.c.received_at_us)
    for row in context.connection.execute(query.limit(CLAIM_LIMIT_ROWS)).all():
        ticket_id = _enter(context, row)
        mine = report_mails.c.key == row.key
        values = {"entered_at_us": context.now_us, "ticket_id": ticket_id}
        context.connection.execute(update(report_mails).where(mine).values(**values))


def _enter(context: CycleContext, row: Row[tuple[object, ...]]) -> int | None:
    mail = ReportMail(
        key=row.key,
        sender=row.sender,
        recipients=tuple(row.recipients),
        subject=row.subject,
        text=row.text,
        received_us=row.received_at_us,
    )
    names = {insee: commune.name for insee, commune in context.network.communes.items()}
    insee = commune_of(mail, names)
    report = " — ".join(part for part in (mail.subject, mail.text) if part)
    if insee is not None:
        call = Call(
            origin=Origin.MAIL,
            commune_insee=insee,
            text=report,
            caller=mail.sender,
            reported_at_us=row.received_at_us,
            who=WHO,
        )
        try:
            return calls.enter(context, call).id
        except CallRefused as error:
            report = f"{error} · {report}"
    at = moment("fr", row.received_at_us)
    text = t("fr", "mail.unplaced", sender=mail.sender, at=at, said=report)[: shift.TEXT_LIMIT_CHARACTERS]
    shift.write(context.connection, kind=EntryKind.FOLLOW, text=text, who=WHO, now_us=context.now_us)
    return None


def hook_token(secret: bytes) -> str:
    """Return the token of the address that a mail service posts to."""
    return hmac.new(secret, b"mail-hook", sha256).hexdigest()[:32]
