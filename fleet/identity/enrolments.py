"""Enrolment in the database: tokens made with work orders, certificates given for them.

What proves a token is kept sealed (AES-GCM, for its gateway): who reads the database cannot enrol with a row,
and who writes it cannot make one.
"""

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Connection, insert, select, update

from agent.wire.enrolment import EnrolmentRequest, token_key
from agent.wire.renewal import RenewalRequest
from fleet.db.connect import Database
from fleet.identity import audit
from fleet.identity.authority import Authority, Issued, check_request, present_certificate, public_key_sha256
from fleet.identity.enrolment import (
    Accepted,
    EnrolmentRefused,
    Known,
    Token,
    decide,
    decide_renewal,
)
from fleet.identity.tables import certificates, enrolment_tokens

SECRET_BYTES = 32
CODE_DIGITS = 8
CODE_BYTES = 8
"""Drawn for a code: the bias of the remainder is below 10^-11."""
NONCE_BYTES = 12
"""NIST SP 800-38D §8.2.2: random, far below 2^32 of them under one key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """The certificate, and serials that it put out of force."""

    issued: Issued
    revoked: tuple[str, ...]
    changes_rights: bool = False
    """Whether the broker must learn of it."""


@dataclass(frozen=True, slots=True)
class OrderSecrets:
    """What opens a work order: the token for the fleet, the code for the gateway's acceptance page."""

    token: str
    code: str


def order_secrets(authority: Authority, number: int, eui: str) -> OrderSecrets:
    """Return the secrets of a work order for a box; they follow from the authority's key."""
    drawn = _derived(authority, f"passerelle work order/{number}/{eui}".encode(), SECRET_BYTES + CODE_BYTES)
    token = base64.urlsafe_b64encode(drawn[:SECRET_BYTES]).decode().rstrip("=")
    digits = int.from_bytes(drawn[SECRET_BYTES:], "big") % 10**CODE_DIGITS
    return OrderSecrets(token=token, code=f"{digits:0{CODE_DIGITS}d}")


def nothing_with_it(connection: Connection, eui: str) -> None:
    """Add nothing to an enrolment."""


def nowhere(connection: Connection, eui: str) -> int | None:
    """Return no site: a token that is bound to one serves nobody then."""


def store_token(
    connection: Connection,
    authority: Authority,
    *,
    token: str,
    eui: str,
    valid_until_us: int,
    who: str,
    now_us: int,
    site_id: int | None = None,
) -> int:
    """Store the derived key of ``token``, sealed, and return its row's number.

    Unused older tokens of the EUI are revoked.  ``site_id``: where the box must hang when it enrols.
    """
    older = (
        (enrolment_tokens.c.eui == eui)
        & enrolment_tokens.c.used_at_us.is_(None)
        & enrolment_tokens.c.revoked_at_us.is_(None)
    )
    connection.execute(update(enrolment_tokens).where(older).values(revoked_at_us=now_us))
    row = {
        "eui": eui,
        "derived_key": _sealed(authority, eui, token_key(token)),
        "created_at_us": now_us,
        "created_by": who,
        "valid_until_at_us": valid_until_us,
        "site_id": site_id,
    }
    made = insert(enrolment_tokens).values(row).returning(enrolment_tokens.c.id)
    return int(connection.execute(made).scalar_one())


def enrol(
    database: Database,
    authority: Authority,
    request: EnrolmentRequest,
    now_us: int,
    *,
    with_it: Callable[[Connection, str], None] = nothing_with_it,
    site_of: Callable[[Connection, str], int | None] = nowhere,
) -> Enrolled | EnrolmentRefused:
    """Return the certificate for ``request``, or why there is none.

    It is signed between two looks at the tokens, outside the transaction that stores it; ``with_it`` happens
    in that transaction.  ``site_of``: where a box hangs now.

    Raises:
        RequestRefused: the CSR itself is not acceptable.
    """
    csr = check_request(request.csr_pem, request.eui)
    fingerprint = public_key_sha256(csr.public_key())
    with database.read() as connection:
        tokens = _tokens(connection, authority, request.eui)
        verdict = decide(request, fingerprint, tokens, now_us, site_of(connection, request.eui))
    if isinstance(verdict, EnrolmentRefused):
        return verdict
    issued = authority.issue_gateway(csr, request.eui, now_us)
    with database.write() as connection:
        tokens = _tokens(connection, authority, request.eui)
        verdict = decide(request, fingerprint, tokens, now_us, site_of(connection, request.eui))
        if isinstance(verdict, EnrolmentRefused):
            return verdict
        revoked = _store_enrolled(connection, verdict, issued, fingerprint, request.eui, now_us)
        with_it(connection, request.eui)
    return Enrolled(issued=issued, revoked=revoked, changes_rights=verdict.first)


def _store_enrolled(  # noqa: PLR0917 the parts of one row
    connection: Connection, verdict: Accepted, issued: Issued, fingerprint: str, eui: str, now_us: int
) -> tuple[str, ...]:
    revoked = _revoke_others(connection, eui, fingerprint, now_us) if verdict.first else ()
    connection.execute(insert(certificates).values(_certificate_row(issued, eui, fingerprint, now_us)))
    used = update(enrolment_tokens).where(enrolment_tokens.c.id == verdict.token_id)
    if verdict.first:
        connection.execute(used.values(used_at_us=now_us, used_serial=issued.serial))
    audit.record(
        connection,
        now_us=now_us,
        who=f"gateway {eui}",
        action="gateway.enrol" if verdict.first else "gateway.enrol_again",
        subject=eui,
        after={"serial": issued.serial, "public_key_sha256": fingerprint, "revoked": list(revoked)},
    )
    return revoked


def renew(
    database: Database, authority: Authority, request: RenewalRequest, now_us: int
) -> Enrolled | EnrolmentRefused:
    """Return the next certificate for ``request``, or why there is none.

    With the same key the certificate before stays in force until it ends.  A new key retires every other of
    this gateway at once, so that who copied the old one is out; its holder may ask again for the new one.

    Raises:
        RequestRefused: the certificate or the CSR is not acceptable.
    """
    present = present_certificate(authority, request)
    csr = check_request(request.csr_pem, request.eui)
    fingerprint = public_key_sha256(csr.public_key())
    serial = f"{present.serial_number:x}"
    with database.read() as connection:
        refused = decide_renewal(request, present, _known(connection, serial), fingerprint)
    if refused is not None:
        return refused
    issued = authority.issue_gateway(csr, request.eui, now_us)
    with database.write() as connection:
        refused = decide_renewal(request, present, _known(connection, serial), fingerprint)
        if refused is not None:
            return refused
        new_key = fingerprint != public_key_sha256(present.public_key())
        revoked = _retire_others(connection, request.eui, fingerprint, now_us) if new_key else ()
        row = _certificate_row(issued, request.eui, fingerprint, now_us)
        connection.execute(insert(certificates).values(row))
        audit.record(
            connection,
            now_us=now_us,
            who=f"gateway {request.eui}",
            action="gateway.renew",
            subject=request.eui,
            before={"serial": serial},
            after={"serial": issued.serial, "public_key_sha256": fingerprint, "revoked": list(revoked)},
        )
    return Enrolled(issued=issued, revoked=revoked, changes_rights=bool(revoked))


def _known(connection: Connection, serial: str) -> Known | None:
    """Return what is stored of a certificate; its replacement counts while that is in force."""
    newer = certificates.alias("newer")
    in_force = (
        (newer.c.public_key_sha256 == certificates.c.replaced_by_sha256)
        & (newer.c.eui == certificates.c.eui)
        & newer.c.revoked_at_us.is_(None)
    )
    columns = (certificates.c.eui, certificates.c.revoked_at_us, newer.c.public_key_sha256.label("by"))
    query = select(*columns).select_from(certificates).outerjoin(newer, in_force)
    row = connection.execute(query.where(certificates.c.serial == serial).limit(1)).first()
    if row is None:
        return None
    return Known(serial=serial, eui=row.eui, revoked_at_us=row.revoked_at_us, replaced_by_sha256=row.by)


def revoke(connection: Connection, eui: str, *, reason: str, who: str, now_us: int) -> tuple[str, ...]:
    """Put every certificate and open token of ``eui`` out of force; return the serials."""
    valid = (certificates.c.eui == eui) & certificates.c.revoked_at_us.is_(None)
    serials = tuple(connection.scalars(select(certificates.c.serial).where(valid)))
    ended = {"revoked_at_us": now_us, "revoked_because": reason}
    connection.execute(update(certificates).where(valid).values(ended))
    tokens = (enrolment_tokens.c.eui == eui) & enrolment_tokens.c.revoked_at_us.is_(None)
    connection.execute(update(enrolment_tokens).where(tokens).values(revoked_at_us=now_us))
    after = {"reason": reason, "serials": list(serials)}
    audit.record(connection, now_us=now_us, who=who, action="gateway.revoke", subject=eui, after=after)
    return serials


def _certificate_row(issued: Issued, eui: str, fingerprint: str, now_us: int) -> dict[str, object]:
    return {
        "serial": issued.serial,
        "eui": eui,
        "public_key_sha256": fingerprint,
        "certificate_pem": issued.pem,
        "issued_at_us": now_us,
        "not_after_at_us": issued.not_after_us,
    }


def _box(authority: Authority) -> AESGCM:
    """Return what enrolment secrets are sealed with: it follows from the authority's key."""
    return AESGCM(_derived(authority, b"passerelle enrolment secrets", SECRET_BYTES))


def _derived(authority: Authority, info: bytes, length: int) -> bytes:
    """Return bytes that follow from the authority's key (RFC 5869)."""
    secret = authority.key.private_numbers().private_value.to_bytes(SECRET_BYTES, "big")
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=info).derive(secret)


def _sealed(authority: Authority, eui: str, derived_key: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + _box(authority).encrypt(nonce, derived_key, eui.encode())


def _opened(authority: Authority, eui: str, sealed: bytes) -> bytes | None:
    """Return a derived key; None: it was not sealed by us for this gateway."""
    try:
        return _box(authority).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], eui.encode())
    except (InvalidTag, ValueError):
        return None


def _tokens(connection: Connection, authority: Authority, eui: str) -> tuple[Token, ...]:
    key = certificates.c.public_key_sha256
    query = (
        select(
            enrolment_tokens, key.label("used_key"), certificates.c.revoked_at_us.label("used_revoked_at_us")
        )
        .outerjoin(certificates, certificates.c.serial == enrolment_tokens.c.used_serial)
        .where(enrolment_tokens.c.eui == eui)
    )
    return tuple(
        Token(
            id=row["id"],
            eui=row["eui"],
            derived_key=derived_key,
            valid_until_at_us=row["valid_until_at_us"],
            used_at_us=row["used_at_us"],
            used_public_key_sha256=row["used_key"] if row["used_revoked_at_us"] is None else None,
            revoked_at_us=row["revoked_at_us"],
            site_id=row["site_id"],
        )
        for row in connection.execute(query).mappings()
        if (derived_key := _opened(authority, eui, row["derived_key"])) is not None
    )


def _revoke_others(connection: Connection, eui: str, fingerprint: str, now_us: int) -> tuple[str, ...]:
    ended = {"revoked_at_us": now_us, "revoked_because": "replaced by a newer enrolment"}
    return _end_others(connection, eui, fingerprint, ended)


def _retire_others(connection: Connection, eui: str, fingerprint: str, now_us: int) -> tuple[str, ...]:
    ended = {
        "revoked_at_us": now_us,
        "revoked_because": "replaced by a renewal to a new key",
        "replaced_by_sha256": fingerprint,
    }
    return _end_others(connection, eui, fingerprint, ended)


def _end_others(
    connection: Connection, eui: str, fingerprint: str, ended: dict[str, object]
) -> tuple[str, ...]:
    """Put the certificates of other keys out of force; return their serials."""
    others = (
        (certificates.c.eui == eui)
        & (certificates.c.public_key_sha256 != fingerprint)
        & certificates.c.revoked_at_us.is_(None)
    )
    serials = tuple(connection.scalars(select(certificates.c.serial).where(others)))
    connection.execute(update(certificates).where(others).values(ended))
    return serials
