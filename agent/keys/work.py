"""Keys, requests and certificates: what ``cryptography`` does for an identity; bytes and text in and out.

Asked when the gateway wants a certificate, gets one or has none that can be read, when other roots follow
those of the work order, for a code on site and for an acceptance.
"""

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from agent.certificate import BadCertificate
from agent.wire import reasons
from agent.wire.acceptance import sign_acceptance
from agent.wire.onsite import ChallengeUnfit, shown_code
from agent.wire.renewal import RenewalRequest, sign_renewal

ROOTS_LIMIT = 4
"""Generations of the fleet's authority that a gateway knows at once."""
ROOTS_LIMIT_BYTES = 64 * 1024
_SPKI = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def new_key() -> bytes:
    """Return a fresh private key on P-256 as PEM."""
    return _pem_of(ec.generate_private_key(ec.SECP256R1()))


def checked_key(pem: bytes) -> bytes:
    """Return the private key of a PEM file as PEM.

    Raises:
        BadCertificate: it holds none on an elliptic curve.
    """
    return _pem_of(_key(pem))


def csr_pem(key_pem: bytes, eui: str) -> str:
    """Return a request for a certificate with CN = ``eui``."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, eui)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(_key(key_pem), hashes.SHA256())
    return request.public_bytes(Encoding.PEM).decode()


def renewal_of(key_pem: bytes, certificate_pem: bytes, eui: str, next_key_pem: bytes) -> RenewalRequest:
    """Return the request for the next certificate, for ``next_key_pem``, signed with the present key."""
    certificate = x509.load_pem_x509_certificate(certificate_pem).public_bytes(Encoding.PEM).decode()
    request = csr_pem(next_key_pem, eui)
    return sign_renewal(_key(key_pem), eui=eui, certificate_pem=certificate, csr_pem=request)


def code_of(key_pem: bytes, challenge: str, eui: str, ticket: int) -> str | None:
    """Return the code that answers a challenge of the fleet; None: it is no point of the curve."""
    try:
        return shown_code(_key(key_pem), challenge, eui, ticket)
    except ChallengeUnfit:
        return None


def acceptance_signature(key_pem: bytes, record: bytes) -> str:
    """Return the signature of an acceptance record as hex."""
    return sign_acceptance(_key(key_pem), record)


def checked_certificate(certificate_pem: str, ca_pem: str, eui: str, key_pem: bytes) -> bytes:
    """Return the key as PEM if the certificate is for it and for ``eui``, and signed by ``ca_pem``.

    Raises:
        BadCertificate: it is not.
    """
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
        roots = x509.load_pem_x509_certificates(ca_pem.encode())
    except ValueError as error:
        raise BadCertificate(reasons.enrolment.not_of_the_fleet(detail=str(error))) from error
    if not any(_signed_by(root, certificate) for root in roots):
        raise BadCertificate(reasons.enrolment.not_of_the_fleet(detail="no root of the fleet signed it"))
    names = [attribute.value for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [eui]:
        raise BadCertificate(reasons.enrolment.for_another(names=", ".join(map(str, names)), eui=eui))
    key = _key(key_pem)
    if certificate.public_key().public_bytes(*_SPKI) != key.public_key().public_bytes(*_SPKI):
        raise BadCertificate(reasons.enrolment.for_another_key())
    return _pem_of(key)


def believed(anchor_pem: str, *offered_pems: str) -> str:
    """Return the roots of ``anchor_pem`` and those that followed them, each with the link that proves it.

    A link is a new root's key and name, signed by a root that is believed (RFC 4210 §4.4, the new with the
    old).  What is not proved, or beyond ``ROOTS_LIMIT``, is left out; without an anchor nothing is believed.
    """
    kept = [*_certificates(anchor_pem)]
    offered = list(dict.fromkeys(each for text in offered_pems for each in _certificates(text)))
    for _ in range(ROOTS_LIMIT):
        links = [one for one in offered if one.issuer != one.subject and _proved(one, kept)]
        roots = [one for one in offered if one.issuer == one.subject and _is_linked(one, [*kept, *links])]
        new = [one for one in (*links, *roots) if one not in kept]
        if not new or len(kept) + len(new) > 2 * ROOTS_LIMIT:
            break
        kept += new
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in kept) or anchor_pem


def _proved(link: x509.Certificate, kept: list[x509.Certificate]) -> bool:
    return any(root.issuer == root.subject and _signed_by(root, link) for root in kept)


def _is_linked(root: x509.Certificate, kept: list[x509.Certificate]) -> bool:
    same = (one for one in kept if one.subject == root.subject and one.public_key() == root.public_key())
    return _signed_by(root, root) and any(one.issuer != one.subject for one in same)


def _signed_by(root: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _certificates(text: str) -> list[x509.Certificate]:
    """Return the certificates of a text, none if one of them cannot be read."""
    try:
        return x509.load_pem_x509_certificates(text[:ROOTS_LIMIT_BYTES].encode())
    except ValueError:
        return []


def _key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(_private_part(pem), password=None)
    except ValueError as error:
        raise BadCertificate(reasons.enrolment.bad_key(detail=str(error))) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise BadCertificate(reasons.enrolment.bad_key(detail="not an elliptic-curve key"))
    return key


def _private_part(content: bytes) -> bytes:
    """Return the key's block of a PEM file that may hold a certificate before it."""
    at = content.find(b"-----BEGIN PRIVATE KEY-----")
    return content[at:] if at >= 0 else content


def _pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
