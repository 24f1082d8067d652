"""The little of Protocol Buffers that the gateway API needs: fields to bytes and back, pure.

Source: protobuf.dev, "Encoding": varint 0, 64-bit 1, length-delimited 2, 32-bit 5; proto3 leaves out fields
that hold their default.  Written in the order of field numbers, as the official library does.
"""

import struct
from collections.abc import Iterator
from typing import TypeAlias

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
VARINT_LIMIT_BYTES = 10
MESSAGE_LIMIT_BYTES = 64 * 1024


class ProtobufError(ValueError):
    """Bytes that are no message; the text says at which byte."""


Value: TypeAlias = int | bytes


def varint(value: int) -> bytes:
    """Return an unsigned varint; negative numbers go as 64-bit two's complement, as int32 does."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    """Return an integer, enum or bool field; nothing for zero."""
    return varint(field << 3 | VARINT) + varint(value) if value else b""


def real(field: int, value: float) -> bytes:
    """Return a float field; nothing for zero."""
    return varint(field << 3 | FIXED32) + struct.pack("<f", value) if value else b""


def double(field: int, value: float) -> bytes:
    """Return a double field; nothing for zero."""
    return varint(field << 3 | FIXED64) + struct.pack("<d", value) if value else b""


def octets(field: int, value: bytes) -> bytes:
    """Return a bytes or string field; nothing when it is empty."""
    return message(field, value) if value else b""


def text(field: int, value: str) -> bytes:
    """Return a string field; nothing when it is empty."""
    return octets(field, value.encode())


def message(field: int, value: bytes) -> bytes:
    """Return an embedded message, even an empty one."""
    return varint(field << 3 | BYTES) + varint(len(value)) + value


def span(field: int, microseconds: int) -> bytes:
    """Return a google.protobuf Timestamp or Duration."""
    seconds, rest = divmod(microseconds, 1_000_000)
    if microseconds < 0 and rest:
        seconds, rest = seconds + 1, rest - 1_000_000
    return message(field, number(1, seconds) + number(2, rest * 1000))


def fields(content: bytes) -> Iterator[tuple[int, Value]]:
    """Yield (field number, value) in order; fixed-width values as their bytes.

    Raises:
        ProtobufError: truncated, too large, a group, or field number 0.
    """
    if len(content) > MESSAGE_LIMIT_BYTES:
        raise ProtobufError(f"{len(content)} bytes, at most {MESSAGE_LIMIT_BYTES}")
    at = 0
    while at < len(content):
        key, at = _read_varint(content, at)
        kind, field = key & 7, key >> 3
        if field == 0:
            raise ProtobufError(f"field 0 at byte {at}")
        if kind == VARINT:
            value, at = _read_varint(content, at)
            yield field, value
            continue
        size, at = _size(content, at, kind)
        if at + size > len(content):
            raise ProtobufError(f"field {field}: {size} bytes announced, {len(content) - at} are there")
        yield field, content[at : at + size]
        at += size


def signed32(value: int) -> int:
    """Return what an int32 varint stands for."""
    low = value & 0xFFFF_FFFF
    return low - (1 << 32) if low & 0x8000_0000 else low


def read_span(content: bytes) -> int:
    """Return the microseconds of a Timestamp or Duration."""
    seconds = nanos = 0
    for field, value in fields(content):
        if isinstance(value, int):
            seconds, nanos = (_signed64(value), nanos) if field == 1 else (seconds, signed32(value))
    return seconds * 1_000_000 + nanos // 1000


def _signed64(value: int) -> int:
    return value - (1 << 64) if value & 1 << 63 else value


def _size(content: bytes, at: int, kind: int) -> tuple[int, int]:
    if kind == BYTES:
        return _read_varint(content, at)
    if kind in {FIXED64, FIXED32}:
        return (8 if kind == FIXED64 else 4), at
    raise ProtobufError(f"wire type {kind} at byte {at}")


def _read_varint(content: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(VARINT_LIMIT_BYTES):
        if at >= len(content):
            raise ProtobufError(f"truncated at byte {at}")
        octet = content[at]
        at += 1
        value |= (octet & 0x7F) << 7 * shift
        if octet < 0x80:
            return value & (1 << 64) - 1, at
    raise ProtobufError(f"varint longer than {VARINT_LIMIT_BYTES} bytes at byte {at}")
