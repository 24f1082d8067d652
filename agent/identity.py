"""The gateway's own key, made here and never leaving, its CSR and its certificate.

Folder ``identity/`` (0700): ``key.pem`` (0600, P-256), ``certificate.pem`` (0600: the certificate and the key
it is for, so that both change in one rename), ``certificate-copy.pem`` (the same, for the day when the card
has worn) and ``ca.pem`` (the fleet's roots: the work order's, and those that followed it).  While a new key
waits for its certificate it is ``key-next.pem``.
"""

import contextlib
from pathlib import Path

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

from agent.durable import write_durably, write_if_possible
from agent.wire import reasons
from agent.wire.onsite import shown_code
from agent.wire.renewal import RenewalRequest, sign_renewal

ROOTS_LIMIT = 4
"""Generations of the fleet's authority that a gateway knows at once."""
ROOTS_LIMIT_BYTES = 64 * 1024
_SPKI = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


class BadCertificate(reasons.ReasonedError, ValueError):
    """A key or certificate that this gateway must not use; says why."""


class Identity:
    """The identity in one folder; made at the first boot."""

    def __init__(self, folder: Path, *, eui: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        self.folder = folder
        self.eui = eui
        self.key_path = folder / "key.pem"
        self.certificate_path = folder / "certificate.pem"
        self.copy_path = folder / "certificate-copy.pem"
        self.ca_path = folder / "ca.pem"
        self._next_path = folder / "key-next.pem"
        self._key = self._load_or_make()

    def _load_or_make(self) -> ec.EllipticCurvePrivateKey:
        """Return the certificate's key where there is one: a power cut may leave ``key.pem`` behind.

        What cannot be read is replaced by its copy, or set aside: a damaged identity keeps the fleet out,
        never the radio.
        """
        for path in (self.certificate_path, self.copy_path):
            content = _readable(path)
            if content is not None:
                if path is self.copy_path:
                    write_if_possible(self.certificate_path, content)
                return _key_in(path)
        _set_aside(self.certificate_path)
        try:
            return _key_in(self.key_path)
        except (FileNotFoundError, BadCertificate):
            _set_aside(self.key_path)
        key = ec.generate_private_key(ec.SECP256R1())
        write_durably(self.key_path, _pem_of(key), mode=0o600)
        return key

    def trust(self, ca_pem: str) -> None:
        """Put the fleet's authority back where an enrolled gateway's card holds something else.

        Roots that followed the one of the work order stay: it signed them.
        """
        if self.enrolled and (wanted := self.believed(ca_pem).encode()) != self._known_roots():
            write_if_possible(self.ca_path, wanted)

    def believed(self, ca_pem: str, offered_pem: str = "") -> str:
        """Return the roots of ``ca_pem``, those that followed it, and of what is offered those that do."""
        known = self._known_roots().decode(errors="replace")
        return believed(ca_pem, known, offered_pem)

    def _known_roots(self) -> bytes:
        try:
            return self.ca_path.read_bytes()
        except OSError:
            return b""

    @property
    def enrolled(self) -> bool:
        """Whether there is a certificate."""
        return self.certificate_path.exists()

    def csr_pem(self) -> str:
        """Return a request for a certificate with CN = EUI, for the present key."""
        return _csr_pem(self._key, self.eui)

    def renewal(self, *, new_key: bool) -> RenewalRequest:
        """Return the signed request for the next certificate, for the present key or a new one.

        A new key that waits for its certificate is asked for until it has it: the fleet may have retired the
        present one already, in an answer that was lost.

        Raises:
            BadCertificate: there is no certificate to renew.
        """
        if not self.enrolled:
            raise BadCertificate(reasons.enrolment.nothing_to_renew())
        key = self._waiting_key()
        if new_key and key is None:
            key = ec.generate_private_key(ec.SECP256R1())
            write_durably(self._next_path, _pem_of(key), mode=0o600)
        certificate = self._certificate().public_bytes(Encoding.PEM).decode()
        return sign_renewal(
            self._key, eui=self.eui, certificate_pem=certificate, csr_pem=_csr_pem(key or self._key, self.eui)
        )

    def _waiting_key(self) -> ec.EllipticCurvePrivateKey | None:
        """Return the new key that has no certificate yet; one that cannot be read is set aside."""
        try:
            return _key_in(self._next_path)
        except FileNotFoundError:
            return None
        except BadCertificate:
            _set_aside(self._next_path)
            return None

    @property
    def key_waits(self) -> bool:
        """Whether a new key waits for its certificate."""
        return self._next_path.exists()

    def accept(self, certificate_pem: str, ca_pem: str) -> None:
        """Store a certificate, atomically, after checking that it is ours and signed by ``ca_pem``.

        Raises:
            BadCertificate: foreign key, foreign name, or not signed by the fleet's CA.
        """
        key = self._waiting_key() or self._key
        check_certificate(certificate_pem, ca_pem, eui=self.eui, key=key)
        write_durably(self.ca_path, ca_pem.encode(), mode=0o600)
        content = certificate_pem.strip().encode() + b"\n" + _pem_of(key)
        write_durably(self.copy_path, content, mode=0o600)
        write_durably(self.certificate_path, content, mode=0o600)
        self._key = key
        write_durably(self.key_path, _pem_of(key), mode=0o600)
        self._next_path.unlink(missing_ok=True)

    def onsite_code(self, challenge: str, ticket: int) -> str:
        """Return the code that answers a challenge of the fleet.

        Raises:
            ChallengeUnfit: it is no point of the curve.
        """
        return shown_code(self._key, challenge, self.eui, ticket)

    def validity_us(self) -> tuple[int, int] | None:
        """Return (from, until) of the certificate, or None without one."""
        if not self.enrolled:
            return None
        certificate = self._certificate()
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        return int(begins.timestamp() * 1_000_000), int(ends.timestamp() * 1_000_000)

    def _certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.certificate_path.read_bytes())


def check_certificate(
    certificate_pem: str, ca_pem: str, *, eui: str, key: ec.EllipticCurvePrivateKey
) -> None:
    """Return if the certificate is for ``eui`` and ``key`` and signed by ``ca_pem``.

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
    if certificate.public_key().public_bytes(*_SPKI) != key.public_key().public_bytes(*_SPKI):
        raise BadCertificate(reasons.enrolment.for_another_key())


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


def _readable(path: Path) -> bytes | None:
    """Return what a file of certificate and key holds, or None when either of them cannot be read."""
    try:
        _key_in(path)
        content = path.read_bytes()
        x509.load_pem_x509_certificate(content)
    except (OSError, ValueError):
        return None
    return content


def _set_aside(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.replace(path.with_name(path.name + ".damaged"))


def _key_in(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(_private_part(path.read_bytes()), password=None)
    except ValueError as error:
        raise BadCertificate(reasons.enrolment.bad_key(detail=f"{path}: {error}")) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise BadCertificate(reasons.enrolment.bad_key(detail=f"{path}: not an elliptic-curve key"))
    return key


def _private_part(content: bytes) -> bytes:
    """Return the key's block of a PEM file that may hold a certificate before it."""
    at = content.find(b"-----BEGIN PRIVATE KEY-----")
    return content[at:] if at >= 0 else content


def _pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _csr_pem(key: ec.EllipticCurvePrivateKey, eui: str) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, eui)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(Encoding.PEM).decode()
