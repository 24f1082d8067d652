"""Private keys on disk: PEM, readable by their owner only."""

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

OWNER_ONLY = 0o600


class KeyFileError(ValueError):
    """A key file that is missing or holds something else; names the file."""


def write_private(path: Path, key: ec.EllipticCurvePrivateKey | Ed25519PrivateKey) -> None:
    """Write ``key`` to ``path``, never over an existing key."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "wb") as file:
        file.write(pem_of(key))


def pem_of(key: ec.EllipticCurvePrivateKey | Ed25519PrivateKey) -> bytes:
    """Return ``key`` as an unencrypted PEM block."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def replace_file(path: Path, content: bytes) -> None:
    """Put ``content`` in the place of a file, in one rename, for its owner only."""
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def read_elliptic(path: Path) -> ec.EllipticCurvePrivateKey:
    """Return the P-256 key in ``path``.

    Raises:
        KeyFileError: missing, unreadable, or another kind of key.
    """
    key = _read(path)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise KeyFileError(f"{path}: not an elliptic-curve key")
    return key


def read_signing(path: Path) -> Ed25519PrivateKey:
    """Return the Ed25519 key in ``path``.

    Raises:
        KeyFileError: missing, unreadable, or another kind of key.
    """
    key = _read(path)
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{path}: not an Ed25519 key")
    return key


def _read(path: Path) -> object:
    try:
        return serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}; `passerelle fleet init` makes it") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"{path}: not an unencrypted PEM private key") from error
