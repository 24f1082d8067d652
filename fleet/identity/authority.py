"""The fleet's certificate authority: P-256, gateway certificates of 90 days with CN = EUI (DESIGN §9).

Sources: RFC 5280 §4.2 for the extensions; CA/Browser-style serials of 64 random bits or more come from
``x509.random_serial_number`` (159 bits).  ``now`` is an argument everywhere.
"""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from agent.wire.renewal import RenewalRequest
from fleet.db.outside import outside_write
from fleet.identity.keys import write_private
from fleet.identity.roots import AUTHORITY_DAYS, BACKDATED, Root, Roots, key_usage, new_root, read_roots

GATEWAY_DAYS = 90
SERVER_DAYS = 825
"""Broker and fleet: the longest that common TLS clients accept."""
CSR_LIMIT_BYTES = 8 * 1024


class RequestRefused(ValueError):
    """A certificate signing request that is not acceptable; ``field`` names what."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """One certificate that was just made."""

    certificate: x509.Certificate

    @property
    def serial(self) -> str:
        """As lower-case hexadecimal."""
        return f"{self.certificate.serial_number:x}"

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def not_after_us(self) -> int:
        return int(self.certificate.not_valid_after_utc.timestamp()) * 1_000_000


@dataclass(slots=True, kw_only=True)
class Authority:
    """The roots of one fleet; one object a process, in which the keeper lets the next root follow."""

    roots: Roots

    @property
    def key(self) -> ec.EllipticCurvePrivateKey:
        """The key that signs."""
        return self.roots.present.key

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate of the key that signs."""
        return self.roots.present.certificate

    @property
    def pem(self) -> str:
        """What gateways check our certificates with."""
        return self.roots.pem

    def signed(self, certificate: x509.Certificate) -> bool:
        """Return whether a root that is trusted signed a certificate."""
        return any(_issued_by(root.certificate, certificate) for root in self.roots.trusted)

    def knows(self, certificate: x509.Certificate) -> bool:
        """Return whether a root of ours signed a certificate, one that has ended included."""
        return self.signed(certificate) or any(_issued_by(root, certificate) for root in self.roots.past)

    def issue_gateway(self, csr: x509.CertificateSigningRequest, eui: str, now_us: int) -> Issued:
        """Return a client certificate for the key of ``csr``."""
        return self._sign(eui, csr.public_key(), now_us, GATEWAY_DAYS)

    def issue_client(
        self, name: str, public_key: ec.EllipticCurvePublicKey, now_us: int, *, days: int = SERVER_DAYS
    ) -> Issued:
        """Return a client certificate of a part of the fleet itself."""
        return self._sign(name, public_key, now_us, days)

    def issue_server(
        self, hosts: tuple[str, ...], public_key: ec.EllipticCurvePublicKey, now_us: int
    ) -> Issued:
        """Return a server certificate valid for ``hosts``, names and addresses."""
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        return self._sign(hosts[0], public_key, now_us, SERVER_DAYS, names)

    @outside_write
    def _sign(
        self,
        name: str,
        public_key: object,
        now_us: int,
        days: int,
        server_names: x509.SubjectAlternativeName | None = None,
    ) -> Issued:
        """Return a certificate, a server's if it has such names; it ends before its root."""
        root = self.roots.present if server_names is None else self.roots.of_servers(now_us)
        builder = _builder(name, public_key, root, now_us, days)
        if server_names is not None:
            builder = builder.add_extension(server_names, critical=False)
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if server_names is None else ExtendedKeyUsageOID.SERVER_AUTH
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(root.key.public_key())
        certificate = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(issuer, critical=False)
            .sign(root.key, hashes.SHA256())
        )
        return Issued(certificate=certificate)


def found_authority(folder: Path, now_us: int) -> Authority:
    """Make the root key and certificate in ``folder`` and return them."""
    authority = Authority(roots=Roots(present=new_root(now_us)))
    write_private(folder / "ca.key", authority.key)
    (folder / "ca.pem").write_text(authority.roots.roots_pem)
    return authority


def read_authority(folder: Path) -> Authority:
    """Return the authority that ``fleet init`` made.

    Raises:
        KeyFileError: a file is missing or is not what it should be.
    """
    return Authority(roots=read_roots(folder))


@outside_write
def revocation_list(
    authority: Authority,
    serials: tuple[tuple[str, int], ...],
    now_us: int,
    this_update: dt.datetime | None = None,
) -> bytes:
    """Return the PEM lists of revoked ``(serial, revoked_at_us)``, one of each root and as long in force.

    Of two lists the broker believes the one with the later ``this_update``, which is an hour back by itself.
    """
    return b"".join(_list_of(root, serials, now_us, this_update) for root in authority.roots.trusted)


def _list_of(
    root: Root, serials: tuple[tuple[str, int], ...], now_us: int, this_update: dt.datetime | None
) -> bytes:
    now = dt.datetime.fromtimestamp(now_us // 1_000_000, dt.UTC)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(root.certificate.subject)
        .last_update(this_update or now - BACKDATED)
        .next_update(now + dt.timedelta(days=AUTHORITY_DAYS))
    )
    for serial, revoked_at_us in serials:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(int(serial, 16))
            .revocation_date(dt.datetime.fromtimestamp(revoked_at_us // 1_000_000, dt.UTC))
            .build()
        )
    return builder.sign(root.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@outside_write
def check_request(csr_pem: str, eui: str) -> x509.CertificateSigningRequest:
    """Return the request in ``csr_pem`` if it is for ``eui`` and proves its P-256 key.

    Raises:
        RequestRefused: not a request, another key type, another name, or a wrong signature.
    """
    if len(csr_pem) > CSR_LIMIT_BYTES:
        raise RequestRefused("csr_pem", f"{len(csr_pem)} bytes, at most {CSR_LIMIT_BYTES}")
    try:
        csr = x509.load_pem_x509_csr(csr_pem.encode())
        key = csr.public_key()
        valid = csr.is_signature_valid
        names = [str(part.value) for part in csr.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    except (ValueError, InvalidSignature, UnsupportedAlgorithm) as error:
        raise RequestRefused("csr_pem", "not a PEM certificate signing request") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise RequestRefused("csr_pem", "the key must be P-256")
    if not valid:
        raise RequestRefused("csr_pem", "the request is not signed by its own key")
    if names != [eui]:
        raise RequestRefused("csr_pem", f"the common name must be {eui}")
    return csr


def public_key_sha256(key: object) -> str:
    """Return the fingerprint of a public key: SHA-256 of its SubjectPublicKeyInfo."""
    assert isinstance(key, ec.EllipticCurvePublicKey)
    encoded = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(encoded)
    return digest.finalize().hex()


def _builder(name: str, key: object, root: Root, now_us: int, days: int) -> x509.CertificateBuilder:
    now = dt.datetime.fromtimestamp(now_us // 1_000_000, dt.UTC)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(root.certificate.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(min(now + dt.timedelta(days=days), root.certificate.not_valid_after_utc))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _issued_by(root: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def present_certificate(authority: Authority, request: RenewalRequest) -> x509.Certificate:
    """Return the certificate of the request if our authority signed it.

    Raises:
        RequestRefused: not a certificate, or not one of ours.
    """
    if len(request.certificate_pem) > CSR_LIMIT_BYTES:
        raise RequestRefused("certificate_pem", f"at most {CSR_LIMIT_BYTES} bytes")
    try:
        certificate = x509.load_pem_x509_certificate(request.certificate_pem.encode())
    except ValueError as error:
        raise RequestRefused("certificate_pem", "not a certificate of this fleet") from error
    if not authority.knows(certificate):
        raise RequestRefused("certificate_pem", "not a certificate of this fleet")
    return certificate
