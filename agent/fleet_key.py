"""The fleet's public key: whether the fleet signed some bytes.

Ed25519 by the libcrypto that the interpreter's TLS uses anyway.  ``cryptography`` brings an OpenSSL of its
own: 7 MB of memory for a gateway that only verifies.  It is loaded where the interpreter shows no libcrypto,
such as one with OpenSSL built in.

Sources: RFC 8032; OpenSSL ``EVP_PKEY_new_raw_public_key(3)``, ``EVP_DigestVerify(3)`` (since 1.1.1) and
``obj_mac.h`` for the number of the algorithm.
"""

import _ssl
import ctypes
from dataclasses import dataclass
from functools import cache

KEY_BYTES = 32
SIGNATURE_BYTES = 64
EVP_PKEY_ED25519 = 1087
_POINTER = ctypes.c_void_p
_SIGNATURES = {
    "EVP_PKEY_new_raw_public_key": (_POINTER, (ctypes.c_int, _POINTER, ctypes.c_char_p, ctypes.c_size_t)),
    "EVP_MD_CTX_new": (_POINTER, ()),
    "EVP_DigestVerifyInit": (ctypes.c_int, (_POINTER,) * 5),
    "EVP_DigestVerify": (
        ctypes.c_int,
        (_POINTER, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t),
    ),
    "EVP_MD_CTX_free": (None, (_POINTER,)),
    "EVP_PKEY_free": (None, (_POINTER,)),
}
"""Result and parameters of what is called."""


@dataclass(frozen=True, slots=True)
class FleetKey:
    """An Ed25519 public key of ``KEY_BYTES``."""

    raw: bytes

    def __post_init__(self) -> None:
        """Refuse what cannot be a key."""
        if len(self.raw) != KEY_BYTES:
            raise ValueError(f"an Ed25519 public key has {KEY_BYTES} bytes, this has {len(self.raw)}")

    def signed(self, signature: bytes, data: bytes) -> bool:
        """Return whether ``signature`` is this key's over ``data``."""
        if len(signature) != SIGNATURE_BYTES:
            return False
        library = libcrypto()
        if library is None:
            return holds_by_cryptography(self.raw, signature, data)
        return holds_by_libcrypto(library, self.raw, signature, data)


@cache
def libcrypto() -> ctypes.CDLL | None:
    """Return the library behind the interpreter's TLS, or None where it cannot be called."""
    try:
        library = ctypes.CDLL(getattr(_ssl, "__file__", None))
        for name, (result, parameters) in _SIGNATURES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, parameters
    except (OSError, AttributeError):
        return None
    return library


def holds_by_libcrypto(library: ctypes.CDLL, raw: bytes, signature: bytes, data: bytes) -> bool:
    """Return libcrypto's verdict; 1 alone means that the signature holds."""
    key = library.EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, None, raw, len(raw))
    context = library.EVP_MD_CTX_new()
    try:
        if not key or not context or library.EVP_DigestVerifyInit(context, None, None, None, key) != 1:
            return False
        return bool(library.EVP_DigestVerify(context, signature, len(signature), data, len(data)) == 1)
    finally:
        library.EVP_MD_CTX_free(context)
        library.EVP_PKEY_free(key)


def holds_by_cryptography(raw: bytes, signature: bytes, data: bytes) -> bool:
    """Return the verdict of ``cryptography``."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, data)
    except InvalidSignature:
        return False
    return True
