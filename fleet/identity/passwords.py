"""Passwords as argon2 hashes: what is slow on purpose, bounded, and never inside a write transaction.

Sources: argon2-cffi's defaults (RFC 9106 low-memory profile: 64 MiB and some 50 ms for each).
"""

import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from fleet.db.outside import outside_write

AT_ONCE_LIMIT = 1
"""Hashes under way: each takes 64 MiB and four threads, beside which the engine works."""
WAITING_LIMIT = 3
"""Hashes that wait for their turn; the next is refused at once, so that logins never hold every thread."""
TURN_WAIT_S = 5.0
_HASHER = PasswordHasher()
_NOBODY = "$argon2id$v={version}$m={memory},t={time},p={lanes}${salt}${tag}".format(
    version=ARGON2_VERSION,
    memory=_HASHER.memory_cost,
    time=_HASHER.time_cost,
    lanes=_HASHER.parallelism,
    salt=b64encode(bytes(_HASHER.salt_len)).decode().rstrip("="),
    tag=b64encode(bytes(_HASHER.hash_len)).decode().rstrip("="),
)
"""Checked when the name is unknown, so that both refusals take as long; no password is known to have it."""
_turns = threading.BoundedSemaphore(AT_ONCE_LIMIT)
_admitted = threading.BoundedSemaphore(AT_ONCE_LIMIT + WAITING_LIMIT)


class PasswordsBusy(RuntimeError):
    """Too many passwords are being checked; try again in a few seconds."""


@outside_write
def hash_of(password: str) -> str:
    """Return what is stored of a password.

    Raises:
        PasswordsBusy: too many at once.
    """
    with _turn():
        return _HASHER.hash(password)


@outside_write
def matches(password_hash: str | None, password: str) -> bool:
    """Return whether the password is the one of the hash; for None, which nobody has, it takes as long.

    Raises:
        PasswordsBusy: too many at once.
    """
    with _turn():
        try:
            return _HASHER.verify(password_hash or _NOBODY, password) and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False


@contextmanager
def _turn() -> Iterator[None]:
    if not _admitted.acquire(blocking=False):
        raise PasswordsBusy("passwords: too many are being checked")
    try:
        if not _turns.acquire(timeout=TURN_WAIT_S):
            raise PasswordsBusy(f"passwords: no turn within {TURN_WAIT_S:.0f} s")
        try:
            yield
        finally:
            _turns.release()
    finally:
        _admitted.release()
