"""A photo without what the camera wrote about place, time and person; pure bytes in, pure bytes out.

JPEG: the application segments APP1 (EXIF, XMP), APP2 to APP15 but APP14 (Adobe's colour transform), and
comments go; the picture's own segments stay as they are.  PNG: text, time, EXIF and every unknown chunk go;
what a decoder needs stays.  Nothing behind the picture's end survives.

Sources: ITU-T T.81 annex B (JPEG markers), CIPA DC-008 (EXIF is APP1), PNG third edition §11 (chunks).
"""

import hashlib
import struct
import zlib
from dataclasses import dataclass

from fleet.db.outside import outside_write
from fleet.errors import InputRefused

PHOTO_LIMIT_BYTES = 8 * 1024 * 1024
"""A phone's picture of 12 megapixels is 2 to 6 MB."""

PIXELS_LIMIT = 64_000_000
"""What a browser decodes to 256 MB; the largest phones make 50 megapixels."""
SIDE_LIMIT = 20_000
"""Pixels; a panorama is some 16,000 wide."""

JPEG_START = b"\xff\xd8"
PNG_START = b"\x89PNG\r\n\x1a\n"

_KEPT_APPS = frozenset({0xE0, 0xEE})
_BARE = frozenset({0x01, *range(0xD0, 0xD8)})
_SCAN, _END, _COMMENT = 0xDA, 0xD9, 0xFE
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Frame headers (T.81 table B.1), which say the size."""

_KEPT_CHUNKS = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"pHYs"}
)


class PhotoRefused(InputRefused):
    """Not a picture that we take; says which ones we do."""


def media_type(data: bytes) -> str:
    """Return what the bytes are, whatever their name says.

    Raises:
        PhotoRefused: neither JPEG nor PNG, empty, or too large.
    """
    if len(data) > PHOTO_LIMIT_BYTES:
        raise PhotoRefused(f"photo: {len(data)} bytes; at most {PHOTO_LIMIT_BYTES}", key="refusal.photo.size")
    if data.startswith(JPEG_START):
        return "image/jpeg"
    if data.startswith(PNG_START):
        return "image/png"
    raise PhotoRefused(
        "photo: neither JPEG nor PNG; send the picture as the camera made it", key="refusal.photo.kind"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture that may be kept: nothing in it but itself."""

    content: bytes
    media_type: str
    sha256: str


@outside_write
def picture_of(data: bytes) -> Picture:
    """Return the picture that was handed in, stripped.

    Raises:
        PhotoRefused: not a picture that we take, or damaged.
    """
    clean = stripped(data)
    _check_size(*(_jpeg_size(clean) if clean.startswith(JPEG_START) else _png_size(clean)))
    return Picture(content=clean, media_type=media_type(clean), sha256=hashlib.sha256(clean).hexdigest())


def stripped(data: bytes) -> bytes:
    """Return the picture alone.

    Raises:
        PhotoRefused: not a picture that we take, or damaged.
    """
    if media_type(data) == "image/jpeg":
        return _jpeg(data)
    return _png(data)


def _jpeg(data: bytes) -> bytes:
    kept, at = [JPEG_START], 2
    while at < len(data):
        marker, at = _marker(data, at)
        if marker == _END:
            return b"".join([*kept, b"\xff\xd9"])
        if marker in _BARE:
            kept.append(bytes((0xFF, marker)))
            continue
        size = struct.unpack_from(">H", data, at)[0] if at + 2 <= len(data) else 0
        if size < 2 or at + size > len(data):
            raise _damaged("damaged JPEG, a segment ends outside the file")
        if not (0xE0 <= marker <= 0xEF and marker not in _KEPT_APPS) and marker != _COMMENT:
            kept.append(bytes((0xFF, marker)) + data[at : at + size])
        at += size
        if marker == _SCAN:
            end = _scan_end(data, at)
            kept.append(data[at:end])
            at = end
    raise _damaged("damaged JPEG, it has no end")


def _marker(data: bytes, at: int) -> tuple[int, int]:
    if data[at] != 0xFF:
        raise _damaged("damaged JPEG, a marker is missing")
    while at < len(data) and data[at] == 0xFF:
        at += 1
    if at >= len(data):
        raise _damaged("damaged JPEG, it has no end")
    return data[at], at + 1


def _scan_end(data: bytes, at: int) -> int:
    """Return where the entropy-coded data ends: at the next marker that is neither stuffing nor restart."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise _damaged("damaged JPEG, it has no end")
        if data[at + 1] == 0 or 0xD0 <= data[at + 1] <= 0xD7:
            at += 2
        elif data[at + 1] == 0xFF:
            at += 1
        else:
            return at


def _png(data: bytes) -> bytes:
    kept, at = [PNG_START], len(PNG_START)
    while at + 12 <= len(data):
        size = struct.unpack_from(">I", data, at)[0]
        kind, end = data[at + 4 : at + 8], at + 12 + size
        if end > len(data):
            break
        if zlib.crc32(data[at + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
            raise _damaged("damaged PNG, a checksum is wrong")
        if kind in _KEPT_CHUNKS:
            kept.append(data[at:end])
        if kind == b"IEND":
            return b"".join(kept)
        at = end
    raise _damaged("damaged PNG, it has no end")


def _check_size(width: int, height: int) -> None:
    """Refuse a picture that is small as a file and huge once it is decoded.

    Raises:
        PhotoRefused: more than ``PIXELS_LIMIT`` or ``SIDE_LIMIT``, or nothing.
    """
    if not width or not height:
        raise _damaged("it has no size")
    if max(width, height) > SIDE_LIMIT or width * height > PIXELS_LIMIT:
        raise PhotoRefused(
            f"photo: {width} x {height} pixels; at most {PIXELS_LIMIT}", key="refusal.photo.pixels"
        )


def _jpeg_size(clean: bytes) -> tuple[int, int]:
    """Return (width, height) of the largest frame header."""
    found, at = (0, 0), 2
    while at < len(clean):
        marker, at = _marker(clean, at)
        if marker == _END:
            break
        if marker in _BARE:
            continue
        if marker in _FRAMES:
            if at + 7 > len(clean):
                raise _damaged("damaged JPEG, its size is missing")
            height, width = struct.unpack_from(">HH", clean, at + 3)
            found = max(found, (width, height), key=lambda size: size[0] * size[1])
        at += struct.unpack_from(">H", clean, at)[0]
        if marker == _SCAN:
            at = _scan_end(clean, at)
    return found


def _png_size(clean: bytes) -> tuple[int, int]:
    if clean[len(PNG_START) + 4 : len(PNG_START) + 8] != b"IHDR":
        raise _damaged("damaged PNG, its size is missing")
    width, height = struct.unpack_from(">II", clean, len(PNG_START) + 8)
    return width, height


def _damaged(what: str) -> PhotoRefused:
    return PhotoRefused(f"photo: {what}", key="refusal.photo.damaged")
