"""The gateway's own key, made here and never leaving, its CSR and its certificate.

Files in ``identity/``: ``key.pem`` (0600, P-256), ``certificate.pem``, ``ca.pem``.
"""

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

from agent.durable import write_durably


class BadCertificate(ValueError):
    """A certificate that this gateway must not use; says why."""


class Identity:
    """The identity in one folder; made at the first boot."""

    def __init__(self, folder: Path, *, eui: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        self.folder = folder
        self.eui = eui
        self.key_path = folder / "key.pem"
        self.certificate_path = folder / "certificate.pem"
        self.ca_path = folder / "ca.pem"
        self._key = self._load_or_make()

    def _load_or_make(self) -> ec.EllipticCurvePrivateKey:
        if self.key_path.exists():
            key = load_pem_private_key(self.key_path.read_bytes(), password=None)
            if not isinstance(key, ec.EllipticCurvePrivateKey):
                raise BadCertificate(f"{self.key_path}: not an elliptic-curve key")
            return key
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_durably(self.key_path, pem, mode=0o600)
        return key

    @property
    def enrolled(self) -> bool:
        """Whether there is a certificate."""
        return self.certificate_path.exists()

    def csr_pem(self) -> str:
        """Return a request for a certificate with CN = EUI."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.eui)])
        request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(self._key, hashes.SHA256())
        return request.public_bytes(Encoding.PEM).decode()

    def accept(self, certificate_pem: str, ca_pem: str) -> None:
        """Store a certificate, atomically, after checking that it is ours and signed by ``ca_pem``.

        Raises:
            BadCertificate: foreign key, foreign name, or not signed by the fleet's CA.
        """
        check_certificate(certificate_pem, ca_pem, eui=self.eui, key=self._key)
        write_durably(self.ca_path, ca_pem.encode(), mode=0o600)
        write_durably(self.certificate_path, certificate_pem.encode(), mode=0o600)

    def expires_at_us(self) -> int | None:
        """Return when the certificate expires, or None without one."""
        if not self.enrolled:
            return None
        certificate = x509.load_pem_x509_certificate(self.certificate_path.read_bytes())
        return int(certificate.not_valid_after_utc.timestamp() * 1_000_000)


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
        raise BadCertificate(f"certificate_pem: not signed by the fleet's CA ({error})") from error
    names = [attribute.value for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [eui]:
        raise BadCertificate(f"certificate_pem: for {names}, this is {eui}")
    spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if certificate.public_key().public_bytes(*spki) != key.public_key().public_bytes(*spki):
        raise BadCertificate("certificate_pem: for another key")
