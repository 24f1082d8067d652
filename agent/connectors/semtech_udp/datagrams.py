"""Headers of the Semtech UDP protocol, version 2, both ways.

Source: ``packet_forwarder/PROTOCOL.md`` of sx1302_hal 2.1.0: version, token (big-endian as sent here;
only echoed), identifier, then the gateway's EUI in what the gateway sends.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

PROTOCOL_VERSION = 2
DATAGRAM_LIMIT_BYTES = 1_400
"""What we send stays below the MTU of every backhaul; a single frame always fits."""
RECEIVE_LIMIT_BYTES = 4_096
"""A longer datagram of a server is refused; the reference's own buffer holds 1,000 bytes."""


class Identifier(IntEnum):
    """Byte 3."""

    PUSH_DATA = 0
    PUSH_ACK = 1
    PULL_DATA = 2
    PULL_RESP = 3
    PULL_ACK = 4
    TX_ACK = 5


class DatagramError(ValueError):
    """A datagram that no server should send; the text says why."""


@dataclass(frozen=True, slots=True)
class PushAck:
    """The server has the PUSH_DATA with this token."""

    token: int


@dataclass(frozen=True, slots=True)
class PullAck:
    """The server knows where to send downlinks."""

    token: int


@dataclass(frozen=True, slots=True)
class PullResp:
    """The server asks for a transmission."""

    token: int
    body: bytes


FromServer: TypeAlias = PushAck | PullAck | PullResp


def push_data(token: int, eui: str, body: bytes) -> bytes:
    """Return a PUSH_DATA datagram."""
    return _head(token, Identifier.PUSH_DATA) + bytes.fromhex(eui) + body


def pull_data(token: int, eui: str) -> bytes:
    """Return a PULL_DATA datagram."""
    return _head(token, Identifier.PULL_DATA) + bytes.fromhex(eui)


def tx_ack(token: int, eui: str, body: bytes) -> bytes:
    """Return a TX_ACK datagram; an empty body says that all is well."""
    return _head(token, Identifier.TX_ACK) + bytes.fromhex(eui) + body


def parse(datagram: bytes) -> FromServer:
    """Return what the server says.

    Raises:
        DatagramError: too short, too long, another version, or not for a gateway.
    """
    if not 4 <= len(datagram) <= RECEIVE_LIMIT_BYTES:
        raise DatagramError(f"length: {len(datagram)} bytes, not 4 to {RECEIVE_LIMIT_BYTES}")
    if datagram[0] != PROTOCOL_VERSION:
        raise DatagramError(f"version: {datagram[0]}, not {PROTOCOL_VERSION}")
    token = int.from_bytes(datagram[1:3], "big")
    match datagram[3]:
        case Identifier.PUSH_ACK:
            return PushAck(token)
        case Identifier.PULL_ACK:
            return PullAck(token)
        case Identifier.PULL_RESP:
            return PullResp(token, datagram[4:])
        case other:
            raise DatagramError(f"identifier: {other} is not for a gateway")


def _head(token: int, identifier: Identifier) -> bytes:
    return bytes((PROTOCOL_VERSION,)) + token.to_bytes(2, "big") + bytes((identifier,))
