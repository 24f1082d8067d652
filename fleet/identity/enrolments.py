"""Enrolment in the database: tokens made with work orders, certificates given for them."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from agent.wire.enrolment import EnrolmentRequest, token_key
from agent.wire.renewal import RenewalRequest
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """The certificate, and serials that it put out of force."""

    issued: Issued
    revoked: tuple[str, ...]
    changes_rights: bool = False
    """Whether the broker must learn of it."""


def store_token(
    connection: Connection, *, token: str, eui: str, valid_until_us: int, who: str, now_us: int
) -> None:
    """Store the derived key of ``token``; unused older tokens of the EUI are revoked."""
    older = (
        (enrolment_tokens.c.eui == eui)
        & enrolment_tokens.c.used_at_us.is_(None)
        & enrolment_tokens.c.revoked_at_us.is_(None)
    )
    connection.execute(update(enrolment_tokens).where(older).values(revoked_at_us=now_us))
    row = {
        "eui": eui,
        "derived_key": token_key(token),
        "created_at_us": now_us,
        "created_by": who,
        "valid_until_at_us": valid_until_us,
    }
    connection.execute(insert(enrolment_tokens).values(row))


def enrol(
    connection: Connection, authority: Authority, request: EnrolmentRequest, now_us: int
) -> Enrolled | EnrolmentRefused:
    """Return the certificate for ``request``, or why there is none; in one transaction.

    Raises:
        RequestRefused: the CSR itself is not acceptable.
    """
    csr = check_request(request.csr_pem, request.eui)
    fingerprint = public_key_sha256(csr.public_key())
    verdict = decide(request, fingerprint, _tokens(connection, request.eui), now_us)
    if isinstance(verdict, EnrolmentRefused):
        return verdict
    issued = authority.issue_gateway(csr, request.eui, now_us)
    revoked = _revoke_others(connection, request.eui, fingerprint, now_us) if verdict.first else ()
    connection.execute(
        insert(certificates).values(_certificate_row(issued, request.eui, fingerprint, now_us))
    )
    used = update(enrolment_tokens).where(enrolment_tokens.c.id == verdict.token_id)
    if verdict.first:
        connection.execute(used.values(used_at_us=now_us, used_serial=issued.serial))
    audit.record(
        connection,
        now_us=now_us,
        who=f"gateway {request.eui}",
        action="gateway.enrol" if isinstance(verdict, Accepted) and verdict.first else "gateway.enrol_again",
        subject=request.eui,
        after={"serial": issued.serial, "public_key_sha256": fingerprint, "revoked": list(revoked)},
    )
    return Enrolled(issued=issued, revoked=revoked, changes_rights=verdict.first)


def renew(
    connection: Connection, authority: Authority, request: RenewalRequest, now_us: int
) -> Enrolled | EnrolmentRefused:
    """Return the next certificate for ``request``, or why there is none; in one transaction.

    The certificate before stays in force until it ends: the answer may be lost on the way.

    Raises:
        RequestRefused: the certificate or the CSR is not acceptable.
    """
    present = present_certificate(authority, request)
    serial = f"{present.serial_number:x}"
    query = select(certificates.c.eui, certificates.c.revoked_at_us).where(certificates.c.serial == serial)
    row = connection.execute(query).first()
    known = None if row is None else Known(serial=serial, eui=row.eui, revoked_at_us=row.revoked_at_us)
    refused = decide_renewal(request, present, known)
    if refused is not None:
        return refused
    csr = check_request(request.csr_pem, request.eui)
    issued = authority.issue_gateway(csr, request.eui, now_us)
    fingerprint = public_key_sha256(csr.public_key())
    stored = _certificate_row(issued, request.eui, fingerprint, now_us)
    connection.execute(insert(certificates).values(stored))
    audit.record(
        connection,
        now_us=now_us,
        who=f"gateway {request.eui}",
        action="gateway.renew",
        subject=request.eui,
        before={"serial": serial},
        after={"serial": issued.serial, "public_key_sha256": fingerprint},
    )
    return Enrolled(issued=issued, revoked=())


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


def _tokens(connection: Connection, eui: str) -> tuple[Token, ...]:
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
            derived_key=row["derived_key"],
            valid_until_at_us=row["valid_until_at_us"],
            used_at_us=row["used_at_us"],
            used_public_key_sha256=row["used_key"] if row["used_revoked_at_us"] is None else None,
            revoked_at_us=row["revoked_at_us"],
        )
        for row in connection.execute(query).mappings()
    )


def _revoke_others(connection: Connection, eui: str, fingerprint: str, now_us: int) -> tuple[str, ...]:
    others = (
        (certificates.c.eui == eui)
        & (certificates.c.public_key_sha256 != fingerprint)
        & certificates.c.revoked_at_us.is_(None)
    )
    serials = tuple(connection.scalars(select(certificates.c.serial).where(others)))
    reason = {"revoked_at_us": now_us, "revoked_because": "replaced by a newer enrolment"}
    connection.execute(update(certificates).where(others).values(reason))
    return serials
