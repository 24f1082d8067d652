"""Frames of the MCU bridge (STM32 of the Corecell USB): pure encoding and decoding.

    frame     id, size MSB, size LSB, command, payload[size]
    SPI part  id, kind, target, length MSB, length LSB, data[length]
    SPI ack   id, kind, status, length MSB, length LSB, data[length]

Sources: FACTS §2 (commands, acks, limits).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from hal.errors import ChipMisbehaved

HEADER_BYTES = 4
PART_HEADER_BYTES = 5
ACK_OFFSET = 0x40
ERROR = 0xFF
COMMAND_LIMIT_BYTES = 4200
BULK_LIMIT_REQUESTS = 255
BULK_LIMIT_BYTES = 4096
READ_WRITE = 0x01
PING_BYTES = 21
STATUS_BYTES = 6
UNIQUE_ID_BYTES = 12


class Command(IntEnum):
    """What the host asks of the microcontroller."""

    PING = 0x00
    STATUS = 0x01
    BOOTLOADER = 0x02
    RESET = 0x03
    GPIO = 0x04
    SPI = 0x05


class SpiTarget(IntEnum):
    """The two chip selects behind the microcontroller."""

    SX1302 = 0
    SX1261 = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The first four bytes of an answer."""

    identifier: int
    size: int
    command: int


@dataclass(frozen=True, slots=True, kw_only=True)
class McuStatus:
    """What STATUS answers."""

    uptime_ms: int
    temperature_c: float


@dataclass(frozen=True, slots=True, kw_only=True)
class McuIdentity:
    """What PING answers."""

    unique_id: bytes
    version: str


def encode(identifier: int, command: Command, payload: bytes = b"") -> bytes:
    """Return one command.

    >>> encode(7, Command.GPIO, bytes((0, 1, 1))).hex()
    '07000304000101'
    """
    return bytes((identifier & 0xFF, len(payload) >> 8, len(payload) & 0xFF, command)) + payload


def decode_header(data: bytes) -> Header:
    """Return the header of an answer."""
    return Header(identifier=data[0], size=data[1] << 8 | data[2], command=data[3])


def check_header(header: Header, identifier: int, command: Command, where: str) -> None:
    """Check that an answer belongs to a command.

    Raises:
        ChipMisbehaved: an error answer, another command's answer, or another id.
    """
    if header.command == ERROR:
        raise ChipMisbehaved(f"refused {command.name}", where=where)
    if header.command != command + ACK_OFFSET:
        raise ChipMisbehaved(
            f"answered {header.command:#04x} to {command.name}, must be {command + ACK_OFFSET:#04x}",
            where=where,
        )
    if header.identifier != identifier:
        raise ChipMisbehaved(
            f"answered id {header.identifier} to id {identifier} ({command.name})", where=where
        )
    if header.size > COMMAND_LIMIT_BYTES:
        raise ChipMisbehaved(f"announces {header.size} bytes", where=where)


def spi_part(identifier: int, target: SpiTarget, frame: bytes) -> bytes:
    """Return one SPI request as a part of an SPI command."""
    head = (identifier & 0xFF, READ_WRITE, target, len(frame) >> 8, len(frame) & 0xFF)
    return bytes(head) + frame


def bundles(target: SpiTarget, frames: Sequence[bytes]) -> list[list[bytes]]:
    """Group frames into commands that respect the limits of bulk mode, in order."""
    groups: list[list[bytes]] = []
    size = 0
    for frame in frames:
        length = PART_HEADER_BYTES + len(frame)
        if not groups or len(groups[-1]) == BULK_LIMIT_REQUESTS or size + length > BULK_LIMIT_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(spi_part(len(groups[-1]), target, frame))
        size += length
    return groups


def spi_answers(payload: bytes, count: int, where: str) -> list[bytes]:
    """Return the MISO bytes of each part of an SPI acknowledgement.

    Raises:
        ChipMisbehaved: a part failed, is missing or cut short.
    """
    answers: list[bytes] = []
    at = 0
    while at < len(payload):
        part = payload[at : at + PART_HEADER_BYTES]
        if len(part) < PART_HEADER_BYTES:
            raise ChipMisbehaved("SPI acknowledgement cut short", where=where)
        status, size = part[2], part[3] << 8 | part[4]
        if status:
            meaning = {1: "failed", 2: "parameter", 3: "time-out"}.get(status, "unknown")
            raise ChipMisbehaved(f"SPI request {part[0]}: status {status} ({meaning})", where=where)
        at += PART_HEADER_BYTES
        if at + size > len(payload):
            raise ChipMisbehaved("SPI acknowledgement cut short", where=where)
        answers.append(payload[at : at + size])
        at += size
    if len(answers) != count:
        raise ChipMisbehaved(f"{len(answers)} answers to {count} SPI requests", where=where)
    return answers


def decode_ping(payload: bytes, where: str) -> McuIdentity:
    """Return who the microcontroller is."""
    if len(payload) != PING_BYTES:
        raise ChipMisbehaved(f"{len(payload)} bytes answer PING, must be {PING_BYTES}", where=where)
    version = payload[UNIQUE_ID_BYTES:].decode("ascii", "replace")
    return McuIdentity(unique_id=payload[:UNIQUE_ID_BYTES], version=version.rstrip("\0"))


def decode_status(payload: bytes, where: str) -> McuStatus:
    """Return uptime and temperature."""
    if len(payload) != STATUS_BYTES:
        raise ChipMisbehaved(f"{len(payload)} bytes answer STATUS, must be {STATUS_BYTES}", where=where)
    return McuStatus(
        uptime_ms=int.from_bytes(payload[:4], "big"),
        temperature_c=int.from_bytes(payload[4:], "big", signed=True) / 100,
    )
