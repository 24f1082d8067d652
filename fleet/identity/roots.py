"""The roots of one fleet: the present one signs; the one before and the one to come are trusted beside it.

    present ─ two thirds of its life are over ─▶ a coming root is made: trusted at once, it signs nothing yet
    coming ── the broker lets a certificate of it in (tried) ─▶ it is the present one, that one the one before
    before ── signs the broker's certificate until ``HANDOVER_US`` before its end, then the present one does
              its end ─▶ trusted no longer

So for years gateways with either root get in, and whoever asks for a certificate meanwhile learns the new
one.  A gateway believes it because the root that it knows signed its key: the *link* (RFC 4210 §4.4, the new
with the old).  Two roots have two names: each has a list of revoked certificates of its own.

In ``DATA/keys``: ``ca.key`` and ``ca.pem`` (every trusted root, the present one first), ``ca-before.*``,
``ca-coming.*``, ``ca-links.pem``, ``ca-past.pem``.  The present root is the one of ``ca.key``, so that a
crash between two renames leaves a whole authority.
"""

import datetime as dt
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fleet.db.outside import outside_write
from fleet.durations import DAY_US, SECOND_US
from fleet.identity.keys import KeyFileError, pem_of, read_elliptic, replace_file

AUTHORITY_DAYS = 20 * 365
HANDOVER_US = 365 * DAY_US
"""Before its end the old root hands the broker's certificate over; who was away longer asks over HTTPS."""
BACKDATED = dt.timedelta(hours=1)
"""``not before`` lies this far back: clocks of gateways differ."""
NAME = "Passerelle CA"
LINKS_LIMIT = 3
"""Successions that a gateway can follow at once: forty years (``agent.keys.work.ROOTS_LIMIT``)."""


class RootStep(StrEnum):
    """What is to be done about the roots."""

    NONE = "none"
    MAKE = "make"
    PROMOTE = "promote"
    FORGET = "forget"


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """One root key and its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        """The certificate."""
        return pem_of_certificate(self.certificate)

    @property
    def begins_us(self) -> int:
        """When its certificate begins."""
        return int(self.certificate.not_valid_before_utc.timestamp()) * SECOND_US

    @property
    def ends_us(self) -> int:
        """When its certificate ends."""
        return int(self.certificate.not_valid_after_utc.timestamp()) * SECOND_US


@dataclass(frozen=True, slots=True, kw_only=True)
class Roots:
    """Every root that is trusted, and what proves the newer by the older."""

    present: Root
    before: Root | None = None
    coming: Root | None = None
    links: tuple[x509.Certificate, ...] = ()
    """One for each succession, the newest first: who was away for years follows them."""
    past: tuple[x509.Certificate, ...] = ()
    """Roots that have ended, the newest first; who comes back with a certificate of theirs may renew it."""

    @property
    def trusted(self) -> tuple[Root, ...]:
        """All of them, the one that signs first."""
        return tuple(root for root in (self.present, self.before, self.coming) if root is not None)

    @property
    def roots_pem(self) -> str:
        """What broker and fleet manager check certificates with."""
        return "".join(root.pem for root in self.trusted)

    @property
    def pem(self) -> str:
        """What gateways get: the roots, and the link by which they believe a new one."""
        return self.roots_pem + "".join(map(pem_of_certificate, self.links))

    def of_servers(self, now_us: int) -> Root:
        """Return the root that signs the broker's certificate: the one that most gateways know."""
        before = self.before
        return before if before is not None and before.ends_us - now_us > HANDOVER_US else self.present

    def next_step(self, now_us: int) -> RootStep:
        """Return what is due.

        A coming root is promoted when it is proved at the broker; see the keeper.
        """
        if self.before is not None and now_us >= self.before.ends_us:
            return RootStep.FORGET
        if self.coming is not None:
            return RootStep.PROMOTE
        begins_us, ends_us = self.present.begins_us, self.present.ends_us
        old = now_us >= begins_us + (ends_us - begins_us) * 2 // 3
        return RootStep.MAKE if old and self.before is None else RootStep.NONE


def pem_of_certificate(certificate: x509.Certificate) -> str:
    """Return a certificate as text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def new_root(now_us: int, *, name: str = NAME, days: int = AUTHORITY_DAYS) -> Root:
    """Return a root that begins now."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return Root(key=key, certificate=_signed(key, subject, key.public_key(), subject, now_us, days))


def link_of(older: Root, newer: Root, now_us: int) -> x509.Certificate:
    """Return the newer root's key and name, signed by the older one."""
    days = max(1, (older.ends_us - now_us) // DAY_US)
    public = newer.key.public_key()
    return _signed(older.key, older.certificate.subject, public, newer.certificate.subject, now_us, days)


def _signed(  # noqa: PLR0917 who signs, then what
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    subject: x509.Name,
    now_us: int,
    days: int,
) -> x509.Certificate:
    now = dt.datetime.fromtimestamp(now_us // SECOND_US, dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """Return what a key of ours may do."""
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def write_roots(folder: Path, roots: Roots) -> None:
    """Write the roots: what is not present first, then the key that says which is, what is gone last."""
    for name, root in (("before", roots.before), ("coming", roots.coming)):
        if root is not None:
            replace_file(folder / f"ca-{name}.key", pem_of(root.key))
            replace_file(folder / f"ca-{name}.pem", root.pem.encode())
    for name, certificates in (("links", roots.links), ("past", roots.past)):
        if certificates:
            replace_file(folder / f"ca-{name}.pem", "".join(map(pem_of_certificate, certificates)).encode())
    replace_file(folder / "ca.key", pem_of(roots.present.key))
    replace_file(folder / "ca.pem", roots.roots_pem.encode())
    kept = {"before": roots.before, "coming": roots.coming}
    for name, value in kept.items():
        if value is None:
            for suffix in ("key", "pem"):
                (folder / f"ca-{name}.{suffix}").unlink(missing_ok=True)


def read_roots(folder: Path) -> Roots:
    """Return the roots that are in ``folder``.

    Raises:
        KeyFileError: a file is missing or is not what it should be.
    """
    key = read_elliptic(folder / "ca.key")
    found = {name: _certificates(folder / f"{name}.pem") for name in ("ca", "ca-before", "ca-coming")}
    known = [certificate for each in found.values() for certificate in each]
    mine = next((one for one in known if one.public_key() == key.public_key()), None)
    if mine is None:
        raise KeyFileError(f"{folder / 'ca.pem'}: no certificate of {folder / 'ca.key'}")
    return Roots(
        present=Root(key=key, certificate=mine),
        before=_other(folder, "before", mine),
        coming=_other(folder, "coming", mine),
        links=tuple(_certificates(folder / "ca-links.pem")),
        past=tuple(_certificates(folder / "ca-past.pem")),
    )


def _other(folder: Path, name: str, present: x509.Certificate) -> Root | None:
    """Return a root beside the present one; a crash may have left it under both names."""
    certificates = _certificates(folder / f"ca-{name}.pem")
    if not certificates or certificates[0] == present:
        return None
    return Root(key=read_elliptic(folder / f"ca-{name}.key"), certificate=certificates[0])


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise KeyFileError(f"{path}: not a PEM certificate") from error


@outside_write
def made(roots: Roots, now_us: int) -> Roots:
    """Return the roots with one to come."""
    at = dt.datetime.fromtimestamp(now_us // SECOND_US, dt.UTC)
    days = (roots.present.ends_us - roots.present.begins_us) // DAY_US
    coming = new_root(now_us, name=f"{NAME} {at:%Y-%m-%d}", days=days)
    links = (link_of(roots.present, coming, now_us), *roots.links)[:LINKS_LIMIT]
    return replace(roots, coming=coming, links=links)


def promoted(roots: Roots) -> Roots:
    """Return the roots in which the coming one signs."""
    assert roots.coming is not None
    return replace(roots, present=roots.coming, before=roots.present, coming=None)


def forgotten(roots: Roots) -> Roots:
    """Return the roots without the one before."""
    assert roots.before is not None
    past = (roots.before.certificate, *roots.past)[:LINKS_LIMIT]
    return replace(roots, before=None, past=past)
