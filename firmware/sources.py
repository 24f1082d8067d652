"""The files worth looking at in what someone hands us: an archive, a folder, a single file.

Nothing is extracted to disk: members are read in memory, one by one, with limits, so that an archive can
neither write outside nor fill anything.
"""

import tarfile
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath

from firmware.catalogue import shipped_as
from firmware.errors import FirmwareRefused

MEMBER_LIMIT = 3_000
"""Entries of an archive or folder looked at; Semtech's release has about 200."""
CANDIDATE_LIMIT = 64
"""Files that look like images; the release has 6."""
FILE_LIMIT_BYTES = 1_048_576
SUFFIXES = frozenset({".var", ".bin"})


def candidates(path: Path, *, member_limit: int = MEMBER_LIMIT) -> list[tuple[str, bytes]]:
    """Return ``(name, content)`` of each file that may hold an image; all of them could be read.

    Raises:
        FirmwareRefused: the path does not exist, is no archive that we read, is truncated, or passes a limit.
    """
    found: list[tuple[str, bytes]] = []
    for candidate in _look(path, member_limit):
        if len(found) >= CANDIDATE_LIMIT:
            raise FirmwareRefused("too_many", where=str(path), limit=CANDIDATE_LIMIT)
        found.append(candidate)
    return found


def _look(path: Path, limit: int) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        yield from _folder(path, limit)
    elif not path.is_file():
        raise FirmwareRefused("absent", where=str(path))
    elif zipfile.is_zipfile(path):
        yield from _zip(path, limit)
    elif path.suffix in SUFFIXES:
        yield path.name, _read(path)
    elif tarfile.is_tarfile(path):
        yield from _tar(path, limit)
    else:
        raise FirmwareRefused("no_source", where=str(path))


def _wanted(name: str) -> bool:
    inside = PurePosixPath(name)
    return inside.suffix == ".var" or shipped_as(inside.name) is not None


def _read(path: Path) -> bytes:
    size = path.stat().st_size
    if size > FILE_LIMIT_BYTES:
        raise FirmwareRefused("too_big", where=str(path), size=size, limit=FILE_LIMIT_BYTES)
    try:
        return path.read_bytes()
    except OSError as error:
        raise FirmwareRefused("unreadable", where=str(path), detail=error.strerror) from error


def _folder(path: Path, limit: int) -> Iterator[tuple[str, bytes]]:
    insides = list(islice(path.rglob("*"), limit + 1))
    _check_count(len(insides), path, limit)
    for inside in sorted(insides):
        if inside.is_file() and _wanted(inside.name):
            yield str(inside.relative_to(path)), _read(inside)


def _zip(path: Path, limit: int) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_count(len(members), path, limit)
            for member in members:
                if not member.is_dir() and _wanted(member.filename):
                    _check_size(member.file_size, f"{path}:{member.filename}")
                    with archive.open(member) as content:
                        yield member.filename, content.read(FILE_LIMIT_BYTES + 1)[:FILE_LIMIT_BYTES]
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError) as error:
        raise FirmwareRefused("bad_zip", where=str(path), detail=error) from error


def _tar(path: Path, limit: int) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(path) as archive:
            for count, member in enumerate(archive, start=1):
                _check_count(count, path, limit)
                if member.isfile() and _wanted(member.name):
                    _check_size(member.size, f"{path}:{member.name}")
                    content = archive.extractfile(member)
                    if content is not None:
                        yield member.name, content.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise FirmwareRefused("bad_tar", where=str(path), detail=error) from error


def _check_count(count: int, path: Path, limit: int) -> None:
    if count > limit:
        raise FirmwareRefused("too_many", where=str(path), limit=limit)


def _check_size(size: int, where: str) -> None:
    if size > FILE_LIMIT_BYTES:
        raise FirmwareRefused("too_big", where=where, size=size, limit=FILE_LIMIT_BYTES)
