"""What `passerelle fleet init` makes: data folder, authority, signing key, broker files, database.

Running it again changes nothing that exists: keys stay, missing certificates are made, files of the broker
are written anew from the settings.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fleet.broker.mosquitto import FLEET_NAME, BrokerFiles, render_acl, render_configuration
from fleet.identity.authority import Authority, Issued, found_authority, read_authority, revocation_list
from fleet.identity.keys import OWNER_ONLY, read_elliptic, read_signing, write_private

FOLDER_MODE = 0o700
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
SESSION_SECRET_BYTES = 32


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
    broker_key = _key(folder / "broker.key")
    _keep(folder / "broker.pem", authority.issue_server(hosts, broker_key.public_key(), now_us))
    fleet_key = _key(folder / "fleet.key")
    _keep(folder / "fleet.pem", authority.issue_client(FLEET_NAME, fleet_key.public_key(), now_us))
    session = folder / "session.key"
    if not session.exists():
        with os.fdopen(os.open(session, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "wb") as file:
            file.write(secrets.token_bytes(SESSION_SECRET_BYTES))
    return read_keys(data)


def read_keys(data: Path) -> Keys:
    """Return the keys that ``found_keys`` made.

    Raises:
        KeyFileError: one is missing.
    """
    folder = data / "keys"
    return Keys(authority=read_authority(folder), signing=read_signing(folder / "configuration.key"))


def write_broker_files(data: Path, authority: Authority, *, host: str, port: int, now_us: int) -> BrokerFiles:
    """Write mosquitto.conf, the rights and an empty list of revoked certificates."""
    files = broker_files(data)
    (files.folder / "data").mkdir(parents=True, exist_ok=True)
    files.configuration.write_text(render_configuration(files, host=host, port=port))
    if not files.acl.exists():
        files.acl.write_text(render_acl())
    if not files.revoked.exists():
        files.revoked.write_bytes(revocation_list(authority, (), now_us))
    for path in (files.folder, files.folder / "data"):
        path.chmod(FOLDER_MODE)
    files.acl.chmod(OWNER_ONLY)
    return files


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    if not path.exists():
        write_private(path, ec.generate_private_key(ec.SECP256R1()))
    return read_elliptic(path)


def _keep(path: Path, issued: Issued) -> None:
    path.write_text(issued.pem)
