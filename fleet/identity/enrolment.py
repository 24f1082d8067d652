"""Enrolment and renewal: whether a request may become a certificate, and why not.

``decide`` and ``decide_renewal`` are pure.  A token is single-use, bound to one EUI and its site.  Asking
again with the same token *and* the same key is answered again (the first answer was lost on the way) while
its certificate is not revoked; another key is refused.  A replaced box comes with a new work order: its
certificate revokes the old box's.

    token of this EUI   key             answer
    unused, in time     any             certificate; token used; certificates of other keys revoked
    used                the same        certificate again
    used                another         refused: proof
    expired             any             refused: proof
    revoked             any             refused: proof
    of another site     any             refused: proof
    no proof holds      any             refused: proof

Renewal: the holder of a certificate's key asks for the next 90 days (``agent.wire.renewal``).  An expired
one is in grace: a gateway that stayed dark for months comes back with its key, and only revocation ends
that.  The serial must be one that we issued for this EUI; the signature must hold.
"""

from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from agent.wire.enrolment import EnrolmentRequest, proof_holds
from agent.wire.renewal import RenewalRequest, renewal_holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One enrolment token as it is stored."""

    id: int
    eui: str
    derived_key: bytes
    valid_until_at_us: int
    used_at_us: int | None = None
    used_public_key_sha256: str | None = None
    """Serial of the certificate that was issued for it; None when that was revoked."""
    revoked_at_us: int | None = None
    site_id: int | None = None
    """Where the box must hang; None: anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """Issue a certificate; ``first`` is False when the same answer goes out again."""

    token_id: int
    first: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentRefused:
    """Why not: the field of the request, a stable word, and a sentence for the installer."""

    field: str
    reason: str
    detail: str


def decide(
    request: EnrolmentRequest,
    public_key_sha256: str,
    tokens: tuple[Token, ...],
    now_us: int,
    site_id: int | None = None,
) -> Accepted | EnrolmentRefused:
    """Return what to do with ``request``; ``tokens`` are those of its EUI, which hangs at ``site_id``."""
    token = next((token for token in tokens if proof_holds(token.derived_key, request)), None)
    if token is None:
        detail = f"no enrolment token of {request.eui} made this proof; use the work order of this gateway"
        return EnrolmentRefused(field="proof", reason="foreign", detail=detail)
    if token.revoked_at_us is None and token.used_at_us is not None:
        if token.used_public_key_sha256 == public_key_sha256:
            return Accepted(token_id=token.id, first=False)
        detail = "this token was used already with another key; ask for a new work order"
        return EnrolmentRefused(field="proof", reason="used", detail=detail)
    return _why_not_first(token, now_us, site_id) or Accepted(token_id=token.id, first=True)


def _why_not_first(token: Token, now_us: int, site_id: int | None) -> EnrolmentRefused | None:
    """Return why an unused token does not serve."""
    if token.revoked_at_us is not None:
        detail = "this token was revoked; ask for a new work order"
        return EnrolmentRefused(field="proof", reason="revoked", detail=detail)
    if token.site_id not in (None, site_id):
        detail = "this token is of another site than where this gateway hangs; ask for a new work order"
        return EnrolmentRefused(field="proof", reason="foreign", detail=detail)
    if token.valid_until_at_us <= now_us:
        detail = "this token has expired; ask for a new work order"
        return EnrolmentRefused(field="proof", reason="expired", detail=detail)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A certificate that we issued."""

    serial: str
    eui: str
    revoked_at_us: int | None
    replaced_by_sha256: str | None = None
    """The key that replaced this certificate's by renewal, while one of its certificates is in force."""


def decide_renewal(
    request: RenewalRequest, certificate: x509.Certificate, known: Known | None, asked_sha256: str
) -> EnrolmentRefused | None:
    """Return why the request is refused, or None; ``known`` is what we stored under its serial.

    A renewal to a new key retires the old one.  Asked again for the same new key (the answer was lost), it is
    answered again; for another key the old one is good no longer, whoever holds it.
    """
    if known is None or known.eui != request.eui:
        detail = f"this certificate was not issued to {request.eui}"
        return EnrolmentRefused(field="certificate_pem", reason="foreign", detail=detail)
    public = certificate.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey) or not renewal_holds(public, request):
        detail = "the signature is not by the key of this certificate"
        return EnrolmentRefused(field="signature_hex", reason="foreign", detail=detail)
    if known.revoked_at_us is not None and known.replaced_by_sha256 != asked_sha256:
        detail = "this certificate was revoked; ask for a new work order"
        return EnrolmentRefused(field="certificate_pem", reason="revoked", detail=detail)
    return None
