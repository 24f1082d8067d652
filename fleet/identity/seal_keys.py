"""The key ring of sealed rows (``fleet.db.seals``), in the folder of keys: made once, rotated, spent.

    keys/seals.json    {"salts": […], "tables": […]}: a key follows from each salt and the signing key (HKDF)
    keys/seals.spent   a nonce a line: seals that were replaced since the last rotation

A table that ``seals.json`` does not name is sealed as it stands, once: at the upgrade, or after a backup of
before it.  Who writes the database alone can change neither file.

Sources: RFC 5869 (HKDF).
"""

import os
import secrets
import threading
from collections.abc import Iterable
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fleet.db.connect import Database
from fleet.db.schema import load_tables
from fleet.db.seals import broken_rows, seal_every_row, sealed_tables
from fleet.identity import audit
from fleet.identity.keys import OWNER_ONLY, read_signing, replace_file

FILE_NAME = "seals.json"
SPENT_NAME = "seals.spent"
SIGNING_NAME = "configuration.key"
KEY_BYTES = 32
SALT_BYTES = 16
SPENT_LIMIT = 20_000
"""Replaced seals that are remembered; at it the keeper rotates the key, which makes all of them worthless."""

_Stamp = tuple[tuple[int, int, int], ...]


class RingFile(msgspec.Struct, frozen=True, kw_only=True):
    """What is in ``seals.json``."""

    salts: tuple[str, ...] = ()
    """The first seals; a second one is there while a rotation is at work."""
    tables: tuple[str, ...] = ()
    """Tables whose rows were sealed; those of a later program are not among them."""


class SealKeys:
    """The key ring of one folder; read again when its files change."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._stamp: _Stamp | None = None
        self._keys: tuple[bytes, ...] = ()
        self._spent: frozenset[str] = frozenset()

    def sealing_keys(self) -> tuple[bytes, ...]:
        """Return the keys, the one that seals first; empty before the first ``found``."""
        self._read()
        return self._keys

    def is_spent(self, nonce: str) -> bool:
        """Return whether a seal was replaced by another since the last rotation."""
        self._read()
        return nonce in self._spent

    @property
    def spent(self) -> int:
        """How many replaced seals are remembered."""
        self._read()
        return len(self._spent)

    def spend(self, nonces: Iterable[str]) -> None:
        """Note seals that were replaced, on the disk."""
        lines = "".join(f"{nonce}\n" for nonce in nonces).encode()
        path = self._folder / SPENT_NAME
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, OWNER_ONLY), "wb") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())

    def forget_spent(self) -> None:
        """Forget what was replaced: its key is no more."""
        (self._folder / SPENT_NAME).unlink(missing_ok=True)

    def file(self) -> RingFile:
        """Return what is in ``seals.json``; empty when it is not there."""
        try:
            return msgspec.json.decode((self._folder / FILE_NAME).read_bytes(), type=RingFile)
        except FileNotFoundError:
            return RingFile()

    def write(self, content: RingFile) -> None:
        """Put ``seals.json`` in place, in one rename."""
        replace_file(self._folder / FILE_NAME, msgspec.json.encode(content) + b"\n")

    def _read(self) -> None:
        stamp = tuple(_stamp(self._folder / name) for name in (FILE_NAME, SPENT_NAME, SIGNING_NAME))
        with self._lock:
            if stamp == self._stamp:
                return
            salts = self.file().salts
            signing = read_signing(self._folder / SIGNING_NAME).private_bytes_raw() if salts else b""
            self._keys = tuple(_key(signing, bytes.fromhex(salt)) for salt in salts)
            spent = self._folder / SPENT_NAME
            self._spent = frozenset(spent.read_text().split()) if spent.exists() else frozenset()
            self._stamp = stamp


def found(database: Database, ring: SealKeys) -> list[str]:
    """Seal the tables that were never sealed and return their names; a killed one is done again."""
    load_tables()
    present = ring.file()
    fresh = [table for table in sealed_tables() if table.name not in present.tables]
    if not fresh:
        return []
    if not present.salts:
        present = RingFile(salts=(_salt(),))
        ring.write(present)
    with database.write() as connection:
        seal_every_row(connection, fresh, intact_alone=False)
    names = sorted({*present.tables, *(str(table.name) for table in fresh)})
    ring.write(RingFile(salts=present.salts, tables=tuple(names)))
    return [str(table.name) for table in fresh]


def forget(ring: SealKeys, tables: Iterable[str]) -> None:
    """Let tables be sealed as they stand at the next start: the schema went back and lost their seals."""
    present, lost = ring.file(), set(tables)
    if present.salts:
        ring.write(
            RingFile(salts=present.salts, tables=tuple(one for one in present.tables if one not in lost))
        )


def rotate(database: Database, ring: SealKeys, *, who: str, now_us: int) -> int:
    """Seal every intact row with a new key and return how many; a killed rotation is gone on with.

    What was sealed before, and kept somewhere, is of no use afterwards.
    """
    load_tables()
    present = ring.file()
    if len(present.salts) < 2:
        present = RingFile(salts=(_salt(), *present.salts), tables=present.tables)
        ring.write(present)
    with database.write() as connection:
        count = seal_every_row(connection, sealed_tables(), intact_alone=True)
        after = {"rows": count, "broken": len(broken_rows(connection))}
        audit.record(connection, now_us=now_us, who=who, action="seal.rotate", subject=FILE_NAME, after=after)
    ring.write(RingFile(salts=present.salts[:1], tables=present.tables))
    ring.forget_spent()
    return count


def _salt() -> str:
    return secrets.token_hex(SALT_BYTES)


def _key(signing: bytes, salt: bytes) -> bytes:
    info = b"passerelle seals of rows"
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(signing)


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)
