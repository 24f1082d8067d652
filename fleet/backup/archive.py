"""The form of an archive: a compressed tar, encrypted to the administrator's keys with age.

    manifest.json      what it is: format, program, schema, instant, folder
    files/…            fleet.json, keys, the broker's configuration and rights
    tables/NNNNNN      rows, MessagePack (``rows.Chunk``)
    end.json           rows of each table and SHA-256 of each file: without it an archive is cut off

It is written and read as a stream: neither the whole nor a plain copy ever lies in memory or on a disk.

Sources: age-encryption.org/v1 (pyrage, bindings of rage); POSIX.1-2001 pax.
"""

import gzip
import io
import os
import tarfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

import msgspec
import pyrage

from fleet.errors import MistakeError

FORMAT = 1
MANIFEST, END, FILES, TABLES = "manifest.json", "end.json", "files/", "tables/"
AGE_MAGIC = b"age-encryption.org/v1"
GZIP_MAGIC = b"\x1f\x8b"
GZIP_LEVEL = 1
"""Rows shrink to a fifth at this level; the highest takes ten times as long for a sixth."""
MEMBER_LIMIT_BYTES = 256 * 1024 * 1024
"""One member in memory when reading: a chunk with one large row."""
OWNER_ONLY = 0o600

Recipient = pyrage.x25519.Recipient | pyrage.ssh.Recipient
Identity = pyrage.x25519.Identity | pyrage.ssh.Identity


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive is."""

    format: int
    program: str
    """Version of the program that wrote it."""
    revision: str
    """Schema of its rows."""
    made_at_us: int
    data: str
    """Folder that it was made from: paths in the broker's configuration begin with it."""
    database_url: str = ""
    """What its fleet.json names; empty: SQLite in the folder."""


class End(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive must have held until here."""

    rows: dict[str, int]
    sha256: dict[str, str]


class ArchiveRefused(MistakeError):
    """An archive that cannot be read or trusted; says why."""


def parse_recipient(text: str) -> Recipient:
    """Return a public key: ``age1…`` or an ``ssh-ed25519`` or ``ssh-rsa`` line.

    Raises:
        MistakeError: neither.
    """
    try:
        if text.startswith("ssh-"):
            return pyrage.ssh.Recipient.from_str(text)
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        raise MistakeError(f"backup: {text[:60]!r} is no public key of age (age1…) or of SSH") from error


def read_identities(path: Path) -> list[Identity]:
    """Return the private keys in a file of ``age-keygen`` or of ``ssh-keygen``.

    Raises:
        MistakeError: no key in it, or one with a passphrase.
    """
    content = path.read_bytes()
    try:
        if b"PRIVATE KEY-----" in content:
            return [pyrage.ssh.Identity.from_buffer(content)]
        lines = (line.strip() for line in content.decode(errors="replace").splitlines())
        found = [pyrage.x25519.Identity.from_str(line) for line in lines if line and line[0] != "#"]
    except pyrage.IdentityError as error:
        raise MistakeError(f"{path}: no private key of age or SSH without a passphrase") from error
    if not found:
        raise MistakeError(f"{path}: no private key in it")
    return list(found)


@contextmanager
def writing(path: Path, recipients: Sequence[Recipient]) -> Iterator[tarfile.TarFile]:
    """Give a tar to fill; ``path`` appears when it is whole and on the disk, or not at all."""
    part = path.with_name(f"{path.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY), "wb") as file:
            with (
                _encrypting(file, recipients) as sealed,
                gzip.GzipFile(filename="", mode="wb", fileobj=sealed, compresslevel=GZIP_LEVEL) as packed,
                tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
            ):
                yield tar
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _encrypting(file: BufferedIOBase, recipients: Sequence[Recipient]) -> Iterator[BufferedIOBase]:
    if not recipients:
        yield file
        return
    exit_, entrance = os.pipe()
    source = os.fdopen(exit_, "rb")
    age = _AgeThread(lambda: pyrage.encrypt_io(source, file, recipients), source)
    try:
        with os.fdopen(entrance, "wb") as sink:
            yield sink
    finally:
        age.join()
    if age.failure is not None:
        raise age.failure


class _AgeThread(threading.Thread):
    """Encrypts or decrypts between a file and a pipe; closes its end of the pipe whatever happens."""

    def __init__(self, work: Callable[[], object], pipe_end: BufferedIOBase) -> None:
        super().__init__(name="age", daemon=True)
        self._work, self._pipe_end = work, pipe_end
        self.failure: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            with self._pipe_end:
                self._work()
        except Exception as error:  # noqa: BLE001 raised by who joins
            self.failure = error


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add one member."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), OWNER_ONLY
    tar.addfile(member, io.BytesIO(content))


@contextmanager
def reading(path: Path, identities: Sequence[Identity]) -> Iterator[Iterator[tuple[str, bytes]]]:
    """Give the members of an archive in their order.

    Raises:
        ArchiveRefused: not an archive, damaged, or encrypted to another key.
    """
    with path.open("rb") as file:
        beginning = file.read(len(AGE_MAGIC))
        file.seek(0)
        if beginning == AGE_MAGIC and not identities:
            raise ArchiveRefused(f"{path}: encrypted; name the private key with --identity FILE")
        if beginning != AGE_MAGIC and not beginning.startswith(GZIP_MAGIC):
            raise ArchiveRefused(f"{path}: no archive of `passerelle fleet backup`")
        with _decrypting(path, file, identities, encrypted=beginning == AGE_MAGIC) as plain:
            yield _members(path, plain)


@contextmanager
def _decrypting(
    path: Path, file: BufferedIOBase, identities: Sequence[Identity], *, encrypted: bool
) -> Iterator[BufferedIOBase]:
    if not encrypted:
        yield file
        return
    exit_, entrance = os.pipe()
    sink = os.fdopen(entrance, "wb")
    age = _AgeThread(lambda: pyrage.decrypt_io(file, sink, identities), sink)
    try:
        with os.fdopen(exit_, "rb") as plain:
            yield plain
    except ArchiveRefused:
        age.join()
        if age.failure is None or isinstance(age.failure, BrokenPipeError):
            raise
    age.join()
    if age.failure is not None:
        raise ArchiveRefused(f"{path}: {age.failure}; another key, or the archive is damaged")


def _members(path: Path, plain: BufferedIOBase) -> Iterator[tuple[str, bytes]]:
    try:
        with (
            gzip.GzipFile(fileobj=plain, mode="rb") as packed,
            tarfile.open(fileobj=packed, mode="r|") as tar,
        ):
            for member in tar:
                content = tar.extractfile(member) if member.isfile() else None
                if content is None or member.size > MEMBER_LIMIT_BYTES:
                    raise ArchiveRefused(f"{path}: {member.name}: no part of an archive of ours")
                yield member.name, content.read()
            while packed.read(1024 * 1024):  # up to the last CRC
                pass
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, OSError) as error:
        raise ArchiveRefused(f"{path}: damaged or cut off: {error}") from error
