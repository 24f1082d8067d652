"""UBX frames of u-blox receivers: framing, checksum, NAV-TIMEGPS, and how to ask for it.

Sources: u-blox M8 protocol specification UBX-13003221, §32 (frames, checksum, CFG-MSG, NAV-TIMEGPS);
FACTS §15–16 (what the reference listens to).
"""

import struct
from dataclasses import dataclass

SYNC = b"\xb5\x62"
HEADER_BYTES = 6
CHECKSUM_BYTES = 2
PAYLOAD_LIMIT_BYTES = 1024
"""Longer than anything we ask for; a longer announcement is noise."""
NAV_TIMEGPS = (0x01, 0x20)
CFG_MSG = (0x06, 0x01)
TIMEGPS = struct.Struct("<IihbBI")
WEEK_US = 7 * 86_400 * 1_000_000
VALID_TIME, VALID_WEEK, VALID_LEAP = 1, 2, 4


class BadFrame(ValueError):
    """The bytes are no UBX frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpsTime:
    """GPS time of a navigation epoch; ``leap_s`` None while the receiver does not know it."""

    gps_us: int
    leap_s: int | None
    accuracy_ns: int | None
    """None where the receiver does not say it."""


def checksum(body: bytes) -> bytes:
    """Return the two bytes over class, id, length and payload."""
    first = second = 0
    for byte in body:
        first = first + byte & 0xFF
        second = second + first & 0xFF
    return bytes((first, second))


def encode(message: tuple[int, int], payload: bytes) -> bytes:
    """Return one frame."""
    body = bytes(message) + len(payload).to_bytes(2, "little") + payload
    return SYNC + body + checksum(body)


def enable_time_gps() -> bytes:
    """Return the frame that asks for NAV-TIMEGPS at every epoch, on the port that carries it.

    >>> enable_time_gps().hex()
    'b562060103000120012c83'
    """
    return encode(CFG_MSG, bytes((*NAV_TIMEGPS, 1)))


def decode(frame: bytes) -> tuple[tuple[int, int], bytes]:
    """Return class, id and payload of one frame.

    Raises:
        BadFrame: no sync, wrong length or checksum.
    """
    if frame[:2] != SYNC or len(frame) < HEADER_BYTES + CHECKSUM_BYTES:
        raise BadFrame("no UBX frame")
    size = int.from_bytes(frame[4:6], "little")
    if len(frame) != HEADER_BYTES + size + CHECKSUM_BYTES:
        raise BadFrame(f"{len(frame)} bytes, announced {size} of payload")
    if checksum(frame[2:-2]) != frame[-2:]:
        raise BadFrame("checksum")
    return (frame[2], frame[3]), frame[HEADER_BYTES:-CHECKSUM_BYTES]


def decode_time_gps(payload: bytes) -> GpsTime | None:
    """Return the GPS time in a NAV-TIMEGPS payload; None while time or week are not valid.

    Raises:
        BadFrame: the payload has the wrong size.
    """
    if len(payload) != TIMEGPS.size:
        raise BadFrame(f"NAV-TIMEGPS of {len(payload)} bytes")
    milliseconds, nanoseconds, week, leap_s, valid, accuracy_ns = TIMEGPS.unpack(payload)
    if valid & (VALID_TIME | VALID_WEEK) != VALID_TIME | VALID_WEEK:
        return None
    return GpsTime(
        gps_us=week * WEEK_US + milliseconds * 1000 + nanoseconds // 1000,
        leap_s=leap_s if valid & VALID_LEAP else None,
        accuracy_ns=accuracy_ns,
    )
