"""The last time alive, kept with little wear: 64-byte slots written round in one 4 KiB page.

Each slot holds boot, monotonic and wall time, their quality, whether the stop was orderly, a counter and a
CRC.  The file is allocated once, so a write changes no metadata: every 30 s that is one page, about 12 MB a
day.  A torn slot fails its CRC and the one before counts: death is then known to twice the interval.
"""

import os
import struct
import zlib
from pathlib import Path

from agent.wire.messages import PreviousBoot, TimeQuality

ALIVE_EVERY_US = 30_000_000
"""AVAILABILITY: the time of death is known to 30 s."""
SLOT_BYTES = 64
SLOTS = 64
_SLOT = struct.Struct("<QQqqBBQ")
_CRC = struct.Struct("<I")


def encode_slot(count: int, alive: PreviousBoot) -> bytes:
    """Return one slot; ``count`` grows with every write."""
    quality, clean = int(alive.time_quality), int(alive.clean)
    body = _SLOT.pack(count, alive.boot, alive.uptime_ms, alive.at_us, quality, clean, alive.journal_seq)
    return (body + _CRC.pack(zlib.crc32(body))).ljust(SLOT_BYTES, b"\0")


def decode_slot(slot: bytes) -> tuple[int, PreviousBoot] | None:
    """Return (count, last time alive), or None for an empty or torn slot."""
    body = slot[: _SLOT.size]
    if len(slot) < SLOT_BYTES or _CRC.unpack_from(slot, _SLOT.size)[0] != zlib.crc32(body):
        return None
    count, boot, uptime_ms, at_us, quality, clean, journal_seq = _SLOT.unpack(body)
    if count == 0 or quality not in tuple(TimeQuality):
        return None
    return count, PreviousBoot(boot, uptime_ms, at_us, TimeQuality(quality), bool(clean), journal_seq)


class AliveFile:
    """The file; ``previous`` is what the boot before left."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        content = os.pread(self._descriptor, SLOTS * SLOT_BYTES, 0)
        if len(content) < SLOTS * SLOT_BYTES:
            os.pwrite(self._descriptor, content.ljust(SLOTS * SLOT_BYTES, b"\0"), 0)
            os.fsync(self._descriptor)
        slots = (content[at : at + SLOT_BYTES] for at in range(0, len(content), SLOT_BYTES))
        found = [slot for slot in map(decode_slot, slots) if slot is not None]
        self._count, newest = max(found, key=lambda pair: pair[0], default=(0, None))
        self.previous: PreviousBoot | None = newest

    def write(self, alive: PreviousBoot) -> None:
        """Put down that this boot is alive, durably.

        Raises:
            OSError: the medium refused.
        """
        self._count += 1
        os.pwrite(self._descriptor, encode_slot(self._count, alive), self._count % SLOTS * SLOT_BYTES)
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Release the file."""
        os.close(self._descriptor)
