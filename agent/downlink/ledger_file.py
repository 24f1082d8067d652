"""The duty-cycle ledger on disk: one line a transmission, synchronised, each with its CRC.

A torn or foreign line is skipped and counted; the file is written anew at each start and when it has grown.
"""

import os
import zlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from agent.downlink.duty_cycle import Past
from agent.wire.messages import TimeQuality

FILE_LIMIT_BYTES = 2_000_000
FILE_NAME = "airtime.log"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class _Line(msgspec.Struct, frozen=True, array_like=True):
    band: str
    airtime_us: int
    kernel_boot: str
    monotonic_us: int
    utc_us: int
    quality: TimeQuality


def kernel_boot() -> str:
    """Return what identifies this start of the machine; empty where nothing does, which equals no other."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def encode_line(past: Past) -> bytes:
    """Return one line."""
    text = msgspec.json.encode(
        _Line(past.band, past.airtime_us, past.kernel_boot, past.monotonic_us, past.utc_us, past.quality)
    )
    return b"%08x %s\n" % (zlib.crc32(text), text)


def decode_lines(content: bytes) -> tuple[list[Past], int]:
    """Return (transmissions, lines that were damaged)."""
    found: list[Past] = []
    damaged = 0
    for line in content.split(b"\n"):
        if not line:
            continue
        crc, _, text = line.partition(b" ")
        try:
            if int(crc, 16) != zlib.crc32(text):
                raise ValueError("crc")
            row = msgspec.json.decode(text, type=_Line)
        except (ValueError, msgspec.DecodeError):
            damaged += 1
            continue
        found.append(Past(**{name: getattr(row, name) for name in row.__struct_fields__}))
    return found, damaged


class LedgerFile:
    """Appends and compacts; every method may raise OSError, which the caller reports and survives."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE_NAME
        self._size = 0

    def load(self) -> tuple[list[Past], int]:
        """Return what is there; nothing when there is no file."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return [], 0
        self._size = len(content)
        return decode_lines(content)

    def rewrite(self, entries: Iterable[Past]) -> None:
        """Replace the file in one step."""
        content = b"".join(encode_line(entry) for entry in entries)
        fresh = self._path.with_suffix(".new")
        _synchronised(fresh, content, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        fresh.replace(self._path)
        self._size = len(content)

    def append(self, entry: Past, before: Iterable[Past]) -> None:
        """Add one transmission; beyond ``FILE_LIMIT_BYTES`` the file becomes ``before`` and this entry."""
        if self._size > FILE_LIMIT_BYTES:
            self.rewrite([*before, entry])
            return
        line = encode_line(entry)
        _synchronised(self._path, line, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._size += len(line)


def _synchronised(path: Path, content: bytes, flags: int) -> None:
    descriptor = os.open(path, flags, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
