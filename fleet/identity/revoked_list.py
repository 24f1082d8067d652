"""The list of revoked certificates as it lies on the disk: outside of the database, and older than its rows.

What it names stays revoked, whatever becomes of the mark in the rows.
"""

import datetime as dt
from pathlib import Path

import structlog
from cryptography import x509
from sqlalchemy import select, update

from fleet.db.connect import Database
from fleet.identity import audit
from fleet.identity.roots import BACKDATED
from fleet.identity.tables import certificates

MARKED = "certificate.marked_again"
MARK_LOST = "the list of revoked certificates names it, its row did not"

log = structlog.get_logger("fleet.revocation")


def mark_again(database: Database, path: Path, now_us: int) -> tuple[str, ...]:
    """Mark certificates revoked that our list names and the rows do not, and return their gateways.

    Nothing takes a mark away but somebody who writes the database alone; the list is outside of it.
    """
    present = present_list(path)
    listed = {f"{each.serial_number:x}" for each in present} if present is not None else set()
    row_ = certificates.c
    lost = row_.serial.in_(sorted(listed)) & row_.revoked_at_us.is_(None)
    with database.read() as connection:
        found = connection.execute(select(row_.serial, row_.eui).where(lost).order_by(row_.serial)).all()
    if not found:
        return ()
    marks = {"revoked_at_us": now_us, "revoked_because": MARK_LOST, "enforced_at_us": None}
    with database.write() as connection:
        for row in found:
            connection.execute(update(certificates).where(row_.serial == row.serial).values(marks))
            after = {"serial": row.serial}
            audit.record(
                connection, now_us=now_us, who=audit.SYSTEM, action=MARKED, subject=row.eui, after=after
            )
    euis = tuple(sorted({row.eui for row in found}))
    log.error("revocation_marked_again", gateways=",".join(euis), certificates=len(found))
    return euis


def present_list(path: Path) -> x509.CertificateRevocationList | None:
    """Return the list in a file; None: there is none that can be read."""
    content = content_of(path)
    try:
        return None if content is None else x509.load_pem_x509_crl(content)
    except ValueError:
        log.warning("revocation_list_damaged", path=str(path))
        return None


def this_update(present: x509.CertificateRevocationList | None, now_us: int) -> dt.datetime:
    """Return the date of the next list: an hour back, and later than the one before."""
    now = dt.datetime.fromtimestamp(now_us // 1_000_000, dt.UTC)
    usual = now - BACKDATED
    if present is None:
        return usual
    return min(now, max(usual, present.last_update_utc + dt.timedelta(seconds=1)))


def content_of(path: Path) -> bytes | None:
    """Return what is in a file; None: it is not there."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
