"""Cuts the bytes of a serial line into whole messages, UBX and NMEA mixed as receivers mix them.

Noise between messages is skipped and counted; nothing waits for more than its limit of bytes.

Sources: the formats of ``nmea`` and ``ubx``.
"""

from dataclasses import dataclass

from hal.gnss import nmea, ubx

BUFFER_LIMIT_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Messages in order, the unfinished rest, and how many bytes belonged to none."""

    messages: tuple[bytes, ...] = ()
    rest: bytes = b""
    skipped_bytes: int = 0


def split(data: bytes) -> Split:
    """Return the messages in ``data``; feed ``rest`` in front of what comes next."""
    messages: list[bytes] = []
    skipped = at = 0
    while at < len(data):
        length = _length(data, at)
        if length is None:
            break
        if length == 0:
            skipped += 1
            at += 1
            continue
        messages.append(data[at : at + length])
        at += length
    rest = data[at:]
    if len(rest) > BUFFER_LIMIT_BYTES:
        skipped += len(rest)
        rest = b""
    return Split(messages=tuple(messages), rest=rest, skipped_bytes=skipped)


def _length(data: bytes, at: int) -> int | None:
    """Return the length of the message at ``at``; 0 where none starts, None where more bytes must come."""
    if data[at : at + 1] == b"$":
        return _sentence_length(data, at)
    if data[at] == ubx.SYNC[0]:
        return _frame_length(data, at)
    return 0


def _sentence_length(data: bytes, at: int) -> int | None:
    end = data.find(b"\n", at, at + nmea.SENTENCE_LIMIT_BYTES)
    if end >= 0:
        return end + 1 - at
    return 0 if len(data) - at >= nmea.SENTENCE_LIMIT_BYTES else None


def _frame_length(data: bytes, at: int) -> int | None:
    if len(data) - at < ubx.HEADER_BYTES:
        return None if data[at : at + 2] in (ubx.SYNC[:1], ubx.SYNC) or data[at + 1] == ubx.SYNC[1] else 0
    if data[at + 1] != ubx.SYNC[1]:
        return 0
    size = int.from_bytes(data[at + 4 : at + 6], "little")
    if size > ubx.PAYLOAD_LIMIT_BYTES:
        return 0
    length = ubx.HEADER_BYTES + size + ubx.CHECKSUM_BYTES
    return length if at + length <= len(data) else None
