"""Write a plan to a file or card and read every byte back; the only file here that touches disks.

A regular file is written beside its name and renamed when it is proved good, so that a half-written image
never has the name of a whole one.  A device is written in place, sector 0 last: a card that was pulled too
early has no partition table and says so.
"""

import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from agent.wire.partition import PARTITION_BYTES, SECTOR_BYTES, PartitionError, settings_entry
from provisioning.clock import monotonic_s
from provisioning.plan import Plan, Target
from provisioning.progress import Progress, progress

CHUNK_BYTES = 4 * 1024 * 1024
SYNC_EVERY_BYTES = 64 * 1024 * 1024
"""Bound of unwritten pages: without it the bar reaches 100 % minutes before the card has the bytes."""


class MediumError(OSError):
    """The medium did not keep what was written; says where."""


def look_at(path: Path) -> Target:
    """Return the facts about ``path`` as a target."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return Target(is_device=False, is_other=not path.parent.is_dir(), mounted_on=(), capacity_bytes=None)
    if stat.S_ISREG(mode):
        return Target(is_device=False, is_other=False, mounted_on=(), capacity_bytes=None)
    if not stat.S_ISBLK(mode):
        return Target(is_device=False, is_other=True, mounted_on=(), capacity_bytes=None)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        capacity = os.lseek(descriptor, 0, os.SEEK_END)
    finally:
        os.close(descriptor)
    return Target(is_device=True, is_other=False, mounted_on=mounts_of(path), capacity_bytes=capacity)


def mounts_of(device: Path) -> tuple[str, ...]:
    """Return where ``device`` or one of its partitions is mounted."""
    real = str(device.resolve())
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    pairs = [line.split(" ")[:2] for line in lines]
    own = re.compile(re.escape(real) + r"(p?[0-9]+)?")
    return tuple(where for source, where in pairs if own.fullmatch(source))


def write(
    plan: Plan, base: Path | None, output: Path, *, is_device: bool, report: Callable[[Progress], None]
) -> None:
    """Write the plan to ``output`` and compare every byte with what was meant.

    Raises:
        MediumError: a byte came back different.
        OSError: the medium refused.
    """
    place = output if is_device else output.with_name(output.name + ".partial")
    flags = os.O_RDWR | (os.O_EXCL if is_device else os.O_CREAT | os.O_TRUNC)
    descriptor = os.open(place, flags, 0o600)
    try:
        _put(descriptor, plan, base, report)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        _compare(descriptor, plan, base, report)
    finally:
        os.close(descriptor)
    if not is_device:
        place.replace(output)


def _pieces(plan: Plan, base: Path | None) -> Iterator[tuple[int, bytes]]:
    """Yield (offset, bytes) of the finished image in order, sector 0 first."""
    yield 0, plan.sector0
    yield from _base(base, SECTOR_BYTES, plan.settings_offset)
    at = max(SECTOR_BYTES, min(plan.base_bytes, plan.settings_offset))
    while at < plan.settings_offset:
        zeros = bytes(min(CHUNK_BYTES, plan.settings_offset - at))
        yield at, zeros
        at += len(zeros)
    yield plan.settings_offset, plan.settings
    yield from _base(base, plan.settings_offset + PARTITION_BYTES, plan.base_bytes)


def _base(base: Path | None, at: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Yield (offset, bytes) of the base image between two offsets, as far as it goes."""
    if base is None:
        return
    with base.open("rb") as source:
        source.seek(at)
        while at < end and (chunk := source.read(min(CHUNK_BYTES, end - at))):
            yield at, chunk
            at += len(chunk)


def _put(descriptor: int, plan: Plan, base: Path | None, report: Callable[[Progress], None]) -> None:
    began, unsynced = monotonic_s(), 0
    for offset, piece in _pieces(plan, base):
        if offset:
            _write_all(descriptor, piece, offset)
            unsynced += len(piece)
        if unsynced >= SYNC_EVERY_BYTES:
            os.fdatasync(descriptor)
            unsynced = 0
        report(progress("write", offset + len(piece), plan.total_bytes, elapsed_s=monotonic_s() - began))
    os.fdatasync(descriptor)
    _write_all(descriptor, plan.sector0, 0)


def _write_all(descriptor: int, piece: bytes, offset: int) -> None:
    view = memoryview(piece)
    while view:
        count = os.pwrite(descriptor, view, offset)
        view, offset = view[count:], offset + count


def _compare(descriptor: int, plan: Plan, base: Path | None, report: Callable[[Progress], None]) -> None:
    began = monotonic_s()
    for offset, piece in _pieces(plan, base):
        back = os.pread(descriptor, len(piece), offset)
        if back != piece:
            pairs = enumerate(zip(piece, back.ljust(len(piece), b"\0"), strict=False))
            wrong = offset + next((index for index, (put, got) in pairs if put != got), len(back))
            raise MediumError(
                f"l’octet {wrong} relu diffère\u202f: la carte est mauvaise, prenez-en une autre"
            )
        report(progress("verify", offset + len(piece), plan.total_bytes, elapsed_s=monotonic_s() - began))


def keeps_settings_free(base: Path) -> bool:
    """Return whether a base image has a settings partition that is empty: it is there to be filled.

    Raises:
        OSError: it cannot be read.
    """
    try:
        return not any(read_settings(base))
    except PartitionError:
        return False


def read_settings(path: Path) -> bytes:
    """Return the settings partition of an image or card, still to be decoded.

    Raises:
        PartitionError: no partition table, or no settings partition.
        OSError: it cannot be read.
    """
    with path.open("rb") as medium:
        entry = settings_entry(medium.read(SECTOR_BYTES))
        medium.seek(entry.offset_bytes)
        return medium.read(PARTITION_BYTES)
