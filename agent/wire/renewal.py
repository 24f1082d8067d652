"""Renewal of a certificate over HTTP: who holds the old key asks for the next 90 days.

POST {enrol_url}/api/v1/renewals with ``RenewalRequest`` as JSON, answered by ``EnrolmentAnswer``.  The
signature is made with the key of ``certificate_pem``; the CSR may be for the same key or a new one.  The
fleet checks that its CA issued the certificate, that the signature holds and that it is not revoked; an
expired certificate is in grace (a water tower stays dark for weeks).  Refusals are those of enrolment.
"""

from typing import TYPE_CHECKING

from agent.wire.configuration import Strict

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

_SIGNED_PREFIX = b"passerelle/renewal/1\0"


class RenewalRequest(Strict, frozen=True, kw_only=True):
    """``signature_hex`` is ECDSA over P-256 with SHA-256, DER, made with the key of ``certificate_pem``."""

    eui: str
    certificate_pem: str
    csr_pem: str
    signature_hex: str


def _signed_bytes(eui: str, csr_pem: str) -> bytes:
    return _SIGNED_PREFIX + eui.encode() + b"\0" + csr_pem.encode()


def sign_renewal(
    key: "ec.EllipticCurvePrivateKey", *, eui: str, certificate_pem: str, csr_pem: str
) -> RenewalRequest:
    """Return the request, signed with the key of the present certificate."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    signature = key.sign(_signed_bytes(eui, csr_pem), ec.ECDSA(hashes.SHA256()))
    return RenewalRequest(
        eui=eui, certificate_pem=certificate_pem, csr_pem=csr_pem, signature_hex=signature.hex()
    )


def renewal_holds(public: "ec.EllipticCurvePublicKey", request: RenewalRequest) -> bool:
    """Return whether the request was signed with the private half of ``public``."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        signature = bytes.fromhex(request.signature_hex)
        public.verify(signature, _signed_bytes(request.eui, request.csr_pem), ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True
