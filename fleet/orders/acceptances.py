"""Signed acceptances taken in: checked, stored once, and the gateway counts from then on."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Connection, RowMapping, insert, select

from agent.wire.acceptance import (
    AcceptanceRecord,
    AcceptanceUpload,
    acceptance_holds,
    decode_record,
    pictures_match,
)
from fleet.db.connect import Database
from fleet.identity import audit
from fleet.identity.tables import certificates
from fleet.orders.model import concluded, counts_from_us
from fleet.orders.tables import acceptance_photos, acceptances, work_orders
from fleet.registry import store as registry
from fleet.registry.model import COUNTING
from fleet.tickets.photos import PhotoRefused, Picture, picture_of

CERTIFICATES_LIMIT = 50
"""The newest of one gateway are looked at: 12 years of renewals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptanceRefused:
    """Why a record is not taken: a stable word and a sentence for the installer."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A record that the fleet has; ``first`` is False when it had it already."""

    id: int
    counts_from_us: int
    first: bool


def take(database: Database, upload: AcceptanceUpload, now_us: int) -> Taken | AcceptanceRefused:
    """Check a signed record and store it once; its gateway counts from then on."""
    try:
        record = decode_record(upload.record)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        return _refused("malformed", f"the record cannot be read: {error}")
    sha256 = hashlib.sha256(upload.record).hexdigest()
    if record.eui != upload.eui:
        return _refused("foreign", "the record is of another gateway")
    serial, unsound = _signer(database, upload), _unsound(record, upload)
    signed = upload.photos if serial else ()
    pictures = [picture for photo in signed if (picture := _picture(photo)) is not None]
    with database.write() as connection:
        known = select(acceptances.c.id, acceptances.c.counts_from_at_us)
        row = connection.execute(known.where(acceptances.c.record_sha256 == sha256)).first()
        if row is not None:
            return Taken(id=row.id, counts_from_us=row.counts_from_at_us, first=False)
        if not _is_in_force(connection, serial):
            return _unsigned(connection, upload.eui)
        if why_not := unsound or _unfit(connection, record):
            return why_not
        return _store(connection, record, upload, serial, pictures, now_us)


def _unsound(record: AcceptanceRecord, upload: AcceptanceUpload) -> AcceptanceRefused | None:
    """Return why a signed record is not taken, whatever the fleet knows."""
    if not pictures_match(record, upload):
        return _refused("pictures", "photos or signature are not those that were signed")
    if not concluded(record):
        return _refused("conclusion", "the record concludes what its findings do not say")
    return None


def _is_in_force(connection: Connection, serial: str) -> bool:
    """Say whether the certificate was not revoked since its key proved to be the signer's."""
    valid = (certificates.c.serial == serial) & certificates.c.revoked_at_us.is_(None)
    return connection.scalar(select(certificates.c.serial).where(valid)) is not None


def _unsigned(connection: Connection, eui: str) -> AcceptanceRefused:
    """Return why no certificate of the gateway stands behind the signature."""
    mine = certificates.c.eui == eui
    if connection.scalar(select(certificates.c.serial).where(mine).limit(1)) is None:
        return _refused("unknown", "this gateway has no certificate yet; it is tried again by itself")
    return _refused("signature", "no key of this gateway that is in force signed this record")


def _unfit(connection: Connection, record: AcceptanceRecord) -> AcceptanceRefused | None:
    """Return why a record that the gateway signed does not end its order."""
    found = work_orders.c.id == record.order
    order = connection.execute(select(work_orders.c.eui, work_orders.c.revoked_at_us).where(found)).first()
    if order is None or order.eui != record.eui:
        return _refused("order", f"work order {record.order} is not of this gateway")
    accepted = select(acceptances.c.id).where(acceptances.c.work_order_id == record.order)
    if connection.scalar(accepted) is not None:
        return _refused("order", f"work order {record.order} was accepted already")
    if order.revoked_at_us is not None:
        return _refused("order", f"work order {record.order} was revoked; call the NOC")
    return None


def _refused(reason: str, detail: str) -> AcceptanceRefused:
    return AcceptanceRefused(reason=reason, detail=detail)


def _signer(database: Database, upload: AcceptanceUpload) -> str:
    """Return the certificate of the gateway, not revoked, whose key signed the record; empty: none did."""
    mine = (certificates.c.eui == upload.eui) & certificates.c.revoked_at_us.is_(None)
    query = select(certificates.c.serial, certificates.c.certificate_pem).where(mine)
    query = query.order_by(certificates.c.issued_at_us.desc()).limit(CERTIFICATES_LIMIT)
    with database.read() as connection:
        rows = connection.execute(query).all()
    for row in rows:
        public = x509.load_pem_x509_certificate(row.certificate_pem.encode()).public_key()
        if isinstance(public, ec.EllipticCurvePublicKey) and acceptance_holds(
            public, upload.record, upload.signature_hex
        ):
            return str(row.serial)
    return ""


def _picture(photo: bytes) -> Picture | None:
    """Return a photo without what the camera wrote; one that is no picture is left out."""
    with suppress(PhotoRefused):
        return picture_of(photo)
    return None


def _store(  # noqa: PLR0917 the parts of one row
    connection: Connection,
    record: AcceptanceRecord,
    upload: AcceptanceUpload,
    serial: str,
    pictures: Sequence[Picture],
    now_us: int,
) -> Taken:
    made_at_us = select(work_orders.c.made_at_us).where(work_orders.c.id == record.order)
    from_us = counts_from_us(
        record, made_at_us=connection.scalar(made_at_us) or now_us, received_at_us=now_us
    )
    row = {
        "eui": record.eui,
        "work_order_id": record.order,
        "record": upload.record,
        "record_sha256": hashlib.sha256(upload.record).hexdigest(),
        "signature_hex": upload.signature_hex,
        "certificate_serial": serial,
        "drawing": upload.drawing,
        "received_at_us": now_us,
        "counts_from_at_us": from_us,
    }
    made = insert(acceptances).values(row).returning(acceptances.c.id)
    number = int(connection.execute(made).scalar_one())
    for index, one in enumerate(pictures):
        photo = {"number": index, "media_type": one.media_type, "content": one.content}
        connection.execute(insert(acceptance_photos).values({"acceptance_id": number} | photo))
    who = f"gateway {record.eui}"
    gateway = registry.load_gateway(connection, record.eui)
    if gateway is not None and gateway.status not in COUNTING:
        registry.accept(connection, record.eui, at_us=from_us, who=who, now_us=now_us)
    after = {"order": record.order, "installer": record.installer, "sha256": row["record_sha256"]}
    after |= {"conclusion": record.conclusion, "counts_from_us": from_us}
    audit.record(connection, now_us=now_us, who=who, action="gateway.accept", subject=record.eui, after=after)
    return Taken(id=number, counts_from_us=from_us, first=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """One acceptance as pages and the printed statement show it."""

    id: int
    record: AcceptanceRecord
    sha256: str
    signature_hex: str
    certificate_serial: str
    received_at_us: int
    counts_from_us: int
    drawing: bytes
    photos: tuple[tuple[str, bytes], ...]
    """Media type and content."""


def load(connection: Connection, number: int) -> Accepted | None:
    """Return one acceptance with its pictures."""
    found = select(acceptances).where(acceptances.c.id == number)
    row = connection.execute(found).mappings().first()
    if row is None:
        return None
    photos = select(acceptance_photos.c.media_type, acceptance_photos.c.content)
    photos = photos.where(acceptance_photos.c.acceptance_id == number).order_by(acceptance_photos.c.number)
    return _accepted(row, tuple((one.media_type, one.content) for one in connection.execute(photos)))


def record_bytes(connection: Connection, number: int) -> bytes | None:
    """Return the bytes that a gateway signed."""
    record: bytes | None = connection.scalar(select(acceptances.c.record).where(acceptances.c.id == number))
    return record


def _accepted(row: RowMapping, photos: tuple[tuple[str, bytes], ...]) -> Accepted:
    return Accepted(
        id=row["id"],
        record=decode_record(row["record"]),
        sha256=row["record_sha256"],
        signature_hex=row["signature_hex"],
        certificate_serial=row["certificate_serial"],
        received_at_us=row["received_at_us"],
        counts_from_us=row["counts_from_at_us"],
        drawing=row["drawing"],
        photos=photos,
    )
