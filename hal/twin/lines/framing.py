"""The frames of the twin's Unix socket: 6 bytes of header, a body, sometimes a reply.

Sources: TWIN_SOCKET.md.
"""

import struct
from dataclasses import dataclass
from enum import Enum

HEADER_BYTES = 6
BODY_LIMIT_BYTES = 65_536
DELAY_BYTES = 8
_LENGTH = struct.Struct("<cBI")
_I2C = struct.Struct("<cBHH")


class FrameKind(Enum):
    """The first byte of a client's frame."""

    SPI = b"S"
    I2C = b"I"
    DELAY = b"D"
    MARK = b"M"
    INJECT = b"J"
    RESET = b"R"


class FrameRefused(Exception):
    """A frame outside TWIN_SOCKET.md; it ends the connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A parsed header: what it is, for whom, and how many bytes follow."""

    kind: FrameKind
    target: int
    """Device of SPI, address of I2C, line of reset."""
    body_bytes: int
    read_bytes: int = 0


def encode(kind: FrameKind, body: bytes = b"", *, target: int = 0) -> bytes:
    """Return a client frame other than I2C.

    >>> encode(FrameKind.SPI, b"\\x00\\x56\\x06\\x00\\x00").hex()
    '5300050000000056060000'
    """
    return _LENGTH.pack(kind.value, target, len(body)) + body


def encode_i2c(address: int, data: bytes = b"", *, read_bytes: int = 0) -> bytes:
    """Return an I2C frame: a write of ``data`` or a read of ``read_bytes``."""
    return _I2C.pack(FrameKind.I2C.value, address, len(data), read_bytes) + data


def decode_header(header: bytes) -> Header:
    """Return what the 6 bytes say.

    Raises:
        FrameRefused: unknown first byte, a length beyond its limit, or I2C with both lengths.
    """
    try:
        kind = FrameKind(header[:1])
    except ValueError:
        raise FrameRefused(f"first byte {header[:1].hex()}: not one of S, I, D, M, J, R") from None
    if kind is FrameKind.I2C:
        _, address, write_bytes, read_bytes = _I2C.unpack(header)
        if write_bytes and read_bytes:
            raise FrameRefused(f"I2C: {write_bytes} bytes to write and {read_bytes} to read in one message")
        return Header(kind=kind, target=address, body_bytes=write_bytes, read_bytes=read_bytes)
    _, target, length = _LENGTH.unpack(header)
    if length > BODY_LIMIT_BYTES:
        raise FrameRefused(f"{kind.name}: {length} bytes, at most {BODY_LIMIT_BYTES}")
    if kind is FrameKind.DELAY and length != DELAY_BYTES:
        raise FrameRefused(f"DELAY: {length} bytes, 8 are needed")
    if kind is FrameKind.RESET and length:
        raise FrameRefused(f"RESET: {length} bytes, none are expected")
    return Header(kind=kind, target=target, body_bytes=length)
