"""Keys of the roles: Ed25519, kept away from the fleet's host in files encrypted with a passphrase.

The public half is a PEM file beside it, which may go anywhere.  Sources: RFC 8410 (keys), RFC 8018
(PBES2, which ``cryptography`` writes as its best encryption).
"""

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.signer import SSlibKey

from fleet.identity.keys import OWNER_ONLY, KeyFileError

PASSPHRASE_LEAST_CHARACTERS = 12
NAME_FIELD = "x-passerelle-name"
"""Beside a key in the root, for people; TUF readers pass over fields that they do not know."""


def make_key(private: Path, public: Path, passphrase: str) -> None:
    """Write a new key into two files, never over existing ones.

    Raises:
        KeyFileError: the passphrase is too short.
        FileExistsError: one of the files is there.
    """
    if len(passphrase) < PASSPHRASE_LEAST_CHARACTERS:
        raise KeyFileError(f"passphrase: at least {PASSPHRASE_LEAST_CHARACTERS} characters")
    if public.exists():
        raise FileExistsError(17, os.strerror(17), str(public))
    key = Ed25519PrivateKey.generate()
    encryption = serialization.BestAvailableEncryption(passphrase.encode())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    with os.fdopen(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "wb") as file:
        file.write(pem)
    public.write_bytes(public_pem(key.public_key()))


def public_pem(key: Ed25519PublicKey) -> bytes:
    """Return the public half as PEM."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def read_key(private: Path, passphrase: str) -> Ed25519PrivateKey:
    """Return the key of an encrypted file.

    Raises:
        KeyFileError: unreadable, another kind of key, or another passphrase.
    """
    try:
        key = serialization.load_pem_private_key(private.read_bytes(), passphrase.encode())
    except OSError as error:
        raise KeyFileError(f"{private}: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"{private}: not a key that this passphrase opens") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{private}: not an Ed25519 key")
    return key


def read_public(public: Path) -> SSlibKey:
    """Return the public half in a file, named after it.

    Raises:
        KeyFileError: unreadable, or another kind of key.
    """
    try:
        key = serialization.load_pem_public_key(public.read_bytes())
    except OSError as error:
        raise KeyFileError(f"{public}: {error.strerror}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"{public}: not a public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFileError(f"{public}: not an Ed25519 key")
    return named(key, public.stem)


def named(key: Ed25519PublicKey, name: str) -> SSlibKey:
    """Return a key with a name for people."""
    made = SSlibKey.from_crypto(key)
    made.unrecognized_fields[NAME_FIELD] = name
    return made


def name_of(key: SSlibKey) -> str:
    """Return what people call a key: its name and the beginning of its number."""
    name = str(key.unrecognized_fields.get(NAME_FIELD, ""))
    return f"{name} ({key.keyid[:8]})" if name else key.keyid[:8]
