"""The gateway's own key, made here and never leaving, its CSR and its certificate.

Folder ``identity/`` (0700): ``key.pem`` (0600, P-256), ``certificate.pem`` (0600: the certificate and the key
it is for, so that both change in one rename), ``certificate-copy.pem`` (the same, for the day when the card
has worn) and ``ca.pem``.  While a new key waits for its certificate it is ``key-next.pem``.
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
        """Put the fleet's authority back where an enrolled gateway's card holds another text."""
        if self.enrolled and (not self.ca_path.exists() or self.ca_path.read_bytes() != ca_pem.encode()):
            write_if_possible(self.ca_path, ca_pem.encode())

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
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(ca_pem.encode()))
    except (ValueError, TypeError, InvalidSignature) as error:
        raise BadCertificate(reasons.enrolment.not_of_the_fleet(detail=str(error))) from error
    names = [attribute.value for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [eui]:
        raise BadCertificate(reasons.enrolment.for_another(names=", ".join(map(str, names)), eui=eui))
    if certificate.public_key().public_bytes(*_SPKI) != key.public_key().public_bytes(*_SPKI):
        raise BadCertificate(reasons.enrolment.for_another_key())


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
