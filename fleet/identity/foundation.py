"""What `passerelle fleet init` makes: data folder, authority, signing key, broker files, database.

Running it again changes nothing that holds: keys stay, and so do certificates until they lack a name of the
broker or a third of their life is left; files of the broker are brought up to date, with what an
administrator added to them (``fleet.broker.additions``).
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fleet.broker.additions import renewed_configuration, renewed_rights
from fleet.broker.mosquitto import FLEET_NAME, BrokerFiles, render_acl, render_configuration
from fleet.identity.authority import Authority, Issued, found_authority, read_authority, revocation_list
from fleet.identity.keys import OWNER_ONLY, read_elliptic, read_signing, write_private
from fleet.identity.totp import KEY_FILE

FOLDER_MODE = 0o700
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
SESSION_SECRET_BYTES = 32
NAMES_LIMIT = 16
"""Names of the broker in its certificate: what it is called today, then what it was called before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The secrets of one fleet, all below ``DATA/keys``."""

    authority: Authority
    signing: Ed25519PrivateKey

    @property
    def signing_public_hex(self) -> str:
        """What gateways check signed words with: 32 bytes as hexadecimal."""
        raw = self.signing.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )
        return raw.hex()


def close_to_others(data: Path) -> None:
    """Let nobody but the owner into ``data``: folders 0700, files 0600, those of before too."""
    for path in (data, *data.rglob("*")):
        if not path.is_symlink() and path.stat().st_uid == os.getuid():
            path.chmod(FOLDER_MODE if path.is_dir() else OWNER_ONLY)


def broker_files(data: Path) -> BrokerFiles:
    """Return where the broker's files lie in ``data``."""
    return BrokerFiles(folder=data.resolve() / "mosquitto", keys=data.resolve() / "keys")


def found_keys(data: Path, *, broker_host: str, now_us: int) -> Keys:
    """Make what is missing of the keys and certificates of ``data``."""
    folder = data / "keys"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(FOLDER_MODE)
    existing = (folder / "ca.key").exists()
    authority = read_authority(folder) if existing else found_authority(folder, now_us)
    if not (folder / "configuration.key").exists():
        write_private(folder / "configuration.key", Ed25519PrivateKey.generate())
    hosts = tuple(dict.fromkeys((broker_host, *LOCAL_HOSTS)))
    kept = tuple(dict.fromkeys((*hosts, *_names_in(folder / "broker.pem"))))[:NAMES_LIMIT]
    broker_key = _key(folder / "broker.key").public_key()
    if not holds(folder / "broker.pem", authority, broker_key, now_us, hosts):
        _write(folder / "broker.pem", authority.issue_server(kept, broker_key, now_us))
    fleet_key = _key(folder / "fleet.key").public_key()
    if not holds(folder / "fleet.pem", authority, fleet_key, now_us):
        _write(folder / "fleet.pem", authority.issue_client(FLEET_NAME, fleet_key, now_us))
    if not (folder / KEY_FILE).exists():
        write_session_secret(folder)
    return read_keys(data)


def write_session_secret(folder: Path) -> None:
    """Make the secret of sessions and second factors in ``folder``."""
    path = folder / KEY_FILE
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "wb") as file:
        file.write(secrets.token_bytes(SESSION_SECRET_BYTES))


def read_keys(data: Path) -> Keys:
    """Return the keys that ``found_keys`` made.

    Raises:
        KeyFileError: one is missing.
    """
    folder = data / "keys"
    return Keys(authority=read_authority(folder), signing=read_signing(folder / "configuration.key"))


def write_broker_files(
    data: Path,
    authority: Authority,
    *,
    host: str,
    port: int,
    now_us: int,
    before: tuple[str, int] | None = None,
) -> BrokerFiles:
    """Bring mosquitto.conf up to date; write the rights and an empty list of revoked certificates if missing.

    ``before``: host and port that the present mosquitto.conf was made for, if they were others.
    """
    files = broker_files(data)
    files.data.mkdir(parents=True, exist_ok=True)
    wanted = render_configuration(files, host=host, port=port)
    if files.configuration.exists():
        old_host, old_port = before or (host, port)
        old = render_configuration(files, host=old_host, port=old_port)
        wanted = renewed_configuration(files.configuration.read_text(encoding="utf-8"), old, wanted)
    files.configuration.write_text(wanted, encoding="utf-8")
    if not files.acl.exists():
        files.acl.write_text(renewed_rights("", render_acl()), encoding="utf-8")
    if not files.revoked.exists():
        files.revoked.write_bytes(revocation_list(authority, (), now_us))
    for path in (files.folder, files.data):
        path.chmod(FOLDER_MODE)
    files.acl.chmod(OWNER_ONLY)
    return files


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    if not path.exists():
        write_private(path, ec.generate_private_key(ec.SECP256R1()))
    return read_elliptic(path)


def holds(
    path: Path,
    authority: Authority,
    key: ec.EllipticCurvePublicKey,
    now_us: int,
    hosts: tuple[str, ...] = (),
) -> bool:
    """Return whether the certificate in ``path`` is ours, for this key and names, and not near its end."""
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return False
    begin_s, end_s = (
        each.timestamp() for each in (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
    )
    fresh = end_s - now_us / 1_000_000 > (end_s - begin_s) / 3
    ours = authority.signed(certificate) and certificate.public_key() == key
    return fresh and ours and set(hosts) <= names_of(certificate)


def _names_in(path: Path) -> list[str]:
    """Return the names of a certificate that is there: gateways may know the broker by an older one."""
    try:
        return sorted(names_of(x509.load_pem_x509_certificate(path.read_bytes())))
    except (OSError, ValueError):
        return []


def names_of(certificate: x509.Certificate) -> set[str]:
    """Return the names and addresses that a server's certificate is for."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(each.value) for each in names}


def _write(path: Path, issued: Issued) -> None:
    path.write_text(issued.pem)
