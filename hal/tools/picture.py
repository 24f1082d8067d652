"""A spectrum as a picture: blocks for a terminal, grey levels for a PNG.

Sources: PNG (ISO/IEC 15948): signature, IHDR, IDAT, IEND chunks, filter 0 in front of every row.
"""

import math
import struct
import zlib
from collections.abc import Sequence

from hal.packets import Spectrum

BLOCKS = " ▁▂▃▄▅▆▇█"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
CELL_WIDTH, CELL_HEIGHT = 12, 8
HALF = 0.5


def shares(spectrum: Spectrum) -> list[float]:
    """Return each level's share of the samples on a logarithmic scale from 0 to 1."""
    most = max(spectrum.counts, default=0)
    if most == 0:
        return [0.0] * len(spectrum.counts)
    return [math.log1p(count) / math.log1p(most) for count in spectrum.counts]


def line(spectrum: Spectrum) -> str:
    """Return the spectrum as one line, strong levels left.

    >>> line(Spectrum(frequency_hz=0, levels_dbm=(0.0, -4.0), counts=(0, 9)))
    ' █'
    """
    last = len(BLOCKS) - 1
    return "".join(BLOCKS[math.ceil(share * last)] for share in shares(spectrum))


def floor_dbm(spectrum: Spectrum) -> float | None:
    """Return the level that half of the samples do not exceed; None without samples."""
    total = sum(spectrum.counts)
    seen = 0
    for level, count in zip(reversed(spectrum.levels_dbm), reversed(spectrum.counts), strict=True):
        seen += count
        if total and seen >= total * HALF:
            return level
    return None


def png(spectra: Sequence[Spectrum]) -> bytes:
    """Return a grey-level picture: a row of cells per frequency, strong levels left, frequent ones bright."""
    rows = []
    for spectrum in spectra:
        greys = bytes(round(255 * share) for share in shares(spectrum) for _ in range(CELL_WIDTH))
        rows += [b"\0" + greys] * CELL_HEIGHT
    width = max((len(row) - 1 for row in rows), default=1)
    header = struct.pack(">IIBBBBB", width, max(len(rows), 1), 8, 0, 0, 0, 0)
    data = zlib.compress(b"".join(rows) or b"\0\0")
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
