"""Renewal: the holder of a certificate's key asks for the next 90 days (``agent.wire.renewal``); pure.

An expired certificate is in grace: a gateway that stayed dark for months comes back with its key, and only
revocation ends that.  The serial must be one that we issued for this EUI; the signature must hold.
"""

from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec

from agent.wire.renewal import RenewalRequest, renewal_holds
from fleet.identity.authority import CSR_LIMIT_BYTES, Authority, RequestRefused
from fleet.identity.enrolment import EnrolmentRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A certificate that we issued."""

    serial: str
    eui: str
    revoked_at_us: int | None


def present_certificate(authority: Authority, request: RenewalRequest) -> x509.Certificate:
    """Return the certificate of the request if our authority signed it.

    Raises:
        RequestRefused: not a certificate, or not one of ours.
    """
    if len(request.certificate_pem) > CSR_LIMIT_BYTES:
        raise RequestRefused("certificate_pem", f"at most {CSR_LIMIT_BYTES} bytes")
    try:
        certificate = x509.load_pem_x509_certificate(request.certificate_pem.encode())
        certificate.verify_directly_issued_by(authority.certificate)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as error:
        raise RequestRefused("certificate_pem", "not a certificate of this fleet") from error
    return certificate


def decide(
    request: RenewalRequest, certificate: x509.Certificate, known: Known | None
) -> EnrolmentRefused | None:
    """Return why the request is refused, or None; ``known`` is what we stored under its serial."""
    if known is None or known.eui != request.eui:
        detail = f"this certificate was not issued to {request.eui}"
        return EnrolmentRefused(field="certificate_pem", reason="foreign", detail=detail)
    public = certificate.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey) or not renewal_holds(public, request):
        detail = "the signature is not by the key of this certificate"
        return EnrolmentRefused(field="signature_hex", reason="foreign", detail=detail)
    if known.revoked_at_us is not None:
        detail = "this certificate was revoked; ask for a new work order"
        return EnrolmentRefused(field="certificate_pem", reason="revoked", detail=detail)
    return None
