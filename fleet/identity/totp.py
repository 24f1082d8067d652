"""The second factor of a local account: six digits that change every 30 s (TOTP).

The secret is stored sealed with a key of the data folder, so that who reads the database alone has no second
factor.  A code is good for one login: its step is remembered.
Sources: RFC 6238 (TOTP: SHA-1, 30 s, six digits, as every authenticator application does), RFC 4226 §5.3
(truncation); Key URI format of Google Authenticator.
"""

import base64
import hashlib
import hmac
import secrets
from pathlib import Path
from urllib.parse import quote

from cryptography.fernet import Fernet, InvalidToken

STEP_US = 30_000_000
DIGITS = 6
SECRET_BYTES = 20
"""RFC 4226 §4, R6."""
DRIFT_STEPS = 1
"""A phone whose clock is up to 30 s off; RFC 6238 §5.2 advises one step."""
KEY_FILE = "session.key"
NEXT_KEY_FILE = "session.key.next"
"""The key that takes over, while ``sessions.rotate_key`` is at work."""
ISSUER = "Passerelle"


class TotpError(ValueError):
    """A secret that cannot be opened: it was sealed with another key."""


def code(secret: bytes, step: int) -> str:
    """Return the code of one step.

    >>> code(b"12345678901234567890", 1)
    '287082'
    """
    digest = hmac.digest(secret, step.to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def matching_step(secret: bytes, given: str, now_us: int, last_step: int | None) -> int | None:
    """Return the step whose code was given, None when none matches or it was used already."""
    plain = "".join(given.split())
    now = now_us // STEP_US
    found = None
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        same = hmac.compare_digest(code(secret, step).encode(), plain.encode())
        if same and (last_step is None or step > last_step):
            found = step
    return found


def new_secret() -> bytes:
    """Return a secret for one account."""
    return secrets.token_bytes(SECRET_BYTES)


def uri(secret: bytes, name: str) -> str:
    """Return what an authenticator application reads as a QR code."""
    told = base64.b32encode(secret).decode().rstrip("=")
    return f"otpauth://totp/{ISSUER}:{quote(name)}?secret={told}&issuer={ISSUER}"


class Vault:
    """Seals secrets with the key of one data folder."""

    def __init__(self, keys: Path, name: str = KEY_FILE) -> None:
        self._keys, self._name = keys, name

    def seal(self, secret: bytes) -> str:
        """Return the secret as it may lie in a database."""
        return self._fernet().encrypt(secret).decode()

    def digest(self, text: str) -> str:
        """Return what may lie in a database of a secret text: nobody finds or makes it without the key."""
        raw = hashlib.sha256(b"passerelle sessions" + (self._keys / self._name).read_bytes()).digest()
        return hmac.new(raw, text.encode(), hashlib.sha256).hexdigest()

    def open(self, sealed: str) -> bytes:
        """Return the secret.

        Raises:
            TotpError: it was sealed with another key.
        """
        try:
            return self._fernet().decrypt(sealed.encode())
        except InvalidToken as error:
            raise TotpError(
                f"{self._keys / self._name}: not the key that sealed this second factor"
            ) from error

    def _fernet(self) -> Fernet:
        raw = hashlib.sha256(b"passerelle totp" + (self._keys / self._name).read_bytes()).digest()
        return Fernet(base64.urlsafe_b64encode(raw))
