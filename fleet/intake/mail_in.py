"""Mails that report a fault: kept at once as they came, then read, entered by the next cycle, never lost.

    MTA ── pipe ──▶ passerelle fleet report-mail --data …  ─┐
    a mail service's hook ──▶ POST /api/v1/mail/{token}     ─┴▶ bytes ──▶ read ──▶ cycle ──▶ ticket, or
                                                                                 the main courante

The bytes are in the database before anything looks into them, so that a mail is taken while the engine is
down, and one that cannot be read is still there.  What names no commune, names two, or cannot be read becomes
an open entry of the main courante with the mail beside it: somebody reads it and enters it.
"""

import hmac
from dataclasses import dataclass
from hashlib import sha256

import structlog
from sqlalchemy import Connection, Row, func, select, update

from fleet.db.connect import Database
from fleet.db.upsert import insert_new
from fleet.durations import DAY_US, MINUTE_US
from fleet.incidents.context import CycleContext
from fleet.intake import calls
from fleet.intake.calls import OLD_LIMIT_US, Call, CallRefused
from fleet.intake.placing import commune_of
from fleet.intake.report_mail import MAIL_LIMIT_BYTES, mail_key, read, summary
from fleet.intake.tables import report_mails
from fleet.lang.format import moment
from fleet.lang.i18n import t
from fleet.shift import log as shift
from fleet.shift.log import EntryKind
from fleet.tickets.model import Origin

WHO = "passerelle"
CLAIM_LIMIT_ROWS = 50
"""Mails entered in one cycle; the rest one second later."""

WAITING_LIMIT_ROWS = 2_000
"""Mails that wait for a cycle; above it servers are asked to come again later, and keep them."""

READING_LIMIT_US = MINUTE_US
"""After so long whoever kept a mail has died before it was read: the main courante gets it unread."""

RAW_DAYS = 90
"""Days that the bytes of a mail are kept; its text stays with the ticket."""

FORGET_LIMIT_ROWS = 500
"""Mails whose bytes go in one sweep."""

log = structlog.get_logger(__name__)


class IntakeBusy(Exception):
    """So many mails wait that this one must come again later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What became of a mail."""

    key: str
    new: bool
    trouble: str = ""
    """Why it cannot be read; it is kept all the same."""


def keep(database: Database, raw: bytes, now_us: int) -> Kept:
    """Keep a mail for the next cycle, then read it; whatever is wrong with it, it is kept.

    Raises:
        IntakeBusy: too many wait.
    """
    raw = raw[:MAIL_LIMIT_BYTES]
    key = mail_key(raw)
    row = {"key": key, "raw": raw, "sender": "", "recipients": [], "subject": "", "text": ""}
    with database.write() as connection:
        if _waiting(connection) >= WAITING_LIMIT_ROWS:
            raise IntakeBusy(f"mail: {WAITING_LIMIT_ROWS} wait; send it again later")
        times = {"received_at_us": now_us, "recorded_at_us": now_us}
        if insert_new(connection, report_mails, [row | times]) == 0:
            return Kept(key=key, new=False)
    values, trouble = _read(raw, now_us)
    with database.write() as connection:
        mine = (report_mails.c.key == key) & report_mails.c.entered_at_us.is_(None)
        connection.execute(update(report_mails).where(mine).values(read_at_us=now_us, **values))
    return Kept(key=key, new=True, trouble=trouble)


def _waiting(connection: Connection) -> int:
    query = select(func.count()).where(report_mails.c.entered_at_us.is_(None))
    return int(connection.execute(query).scalar_one())


def _read(raw: bytes, now_us: int) -> tuple[dict[str, object], str]:
    """Return the columns that a mail fills, and why it cannot be read."""
    try:
        mail = read(raw)
    except Exception as error:
        log.exception("mail_unreadable")
        return {"trouble": type(error).__name__}, type(error).__name__
    received_us = now_us if mail.received_us is None else min(mail.received_us, now_us)
    return {
        "sender": mail.sender,
        "recipients": list(mail.recipients),
        "subject": mail.subject,
        "text": mail.body,
        "received_at_us": max(received_us, now_us - OLD_LIMIT_US),
        "entered_at_us": now_us if mail.automatic else None,
    }, ""


def enter_waiting(context: CycleContext) -> None:
    """Enter the mails that wait: a ticket each, or a line on the one that is open there."""
    late = report_mails.c.recorded_at_us <= context.now_us - READING_LIMIT_US
    ready = report_mails.c.raw.is_(None) | report_mails.c.read_at_us.is_not(None) | late
    waiting = report_mails.c.entered_at_us.is_(None) & ready
    columns = [column for column in report_mails.c if column.name != "raw"]
    query = select(*columns).where(waiting).order_by(report_mails.c.received_at_us)
    for row in context.connection.execute(query.limit(CLAIM_LIMIT_ROWS)).all():
        ticket_id = _enter(context, row)
        mine = report_mails.c.key == row.key
        values = {"entered_at_us": context.now_us, "ticket_id": ticket_id}
        context.connection.execute(update(report_mails).where(mine).values(**values))


def _enter(context: CycleContext, row: Row[tuple[object, ...]]) -> int | None:
    names = {insee: commune.name for insee, commune in context.network.communes.items()}
    insee = commune_of(tuple(row.recipients), row.sender, row.subject, row.text, names)
    report = " — ".join(part for part in (row.subject, summary(row.text)) if part)
    if insee is not None and report:
        call = Call(
            origin=Origin.MAIL,
            commune_insee=insee,
            text=report,
            caller=row.sender,
            reported_at_us=row.received_at_us,
            who=WHO,
        )
        try:
            return calls.enter(context, call).id
        except CallRefused as error:
            report = f"{error} · {report}"
    _ask(context, row, report)
    return None


def _ask(context: CycleContext, row: Row[tuple[object, ...]], report: str) -> None:
    """Write a mail that nobody could place into the main courante, with the mail beside it."""
    unread = row.trouble or (row.read_at_us is None and not row.text)
    key = "mail.unreadable" if unread else "mail.unplaced"
    at = moment("fr", row.received_at_us)
    text = t("fr", key, sender=row.sender or "?", at=at, said=report)[: shift.TEXT_LIMIT_CHARACTERS]
    shift.write(
        context.connection,
        kind=EntryKind.FOLLOW,
        text=text,
        who=WHO,
        now_us=context.now_us,
        mail_key=row.key,
    )


def raw_mail(connection: Connection, key: str) -> bytes | None:
    """Return a mail as it came; None if there is none of that key, or its bytes are forgotten."""
    found = connection.execute(select(report_mails.c.raw).where(report_mails.c.key == key)).scalar()
    return None if found is None else bytes(found)


def forget_raw(connection: Connection, now_us: int) -> int:
    """Forget the bytes of mails that are over their time, and return of how many."""
    old = report_mails.c.recorded_at_us < now_us - RAW_DAYS * DAY_US
    entered = report_mails.c.entered_at_us.is_not(None) & report_mails.c.raw.is_not(None)
    keys = select(report_mails.c.key).where(old & entered).limit(FORGET_LIMIT_ROWS)
    statement = update(report_mails).where(report_mails.c.key.in_(keys.scalar_subquery()))
    return connection.execute(statement.values(raw=None)).rowcount


def hook_token(secret: bytes) -> str:
    """Return the token of the address that a mail service posts to."""
    return hmac.new(secret, b"mail-hook", sha256).hexdigest()[:32]
