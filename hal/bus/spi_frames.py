"""One chip-select assertion as bytes: mux target, read/write bit and address, data.

Sources: FACTS §1 (the table of operations).
"""

from enum import IntEnum

WRITE_BIT = 0x80
READ_ANSWER_INDEX = 4
"""First byte of MISO that belongs to a register read: target, address, one dummy."""
BURST_LIMIT_BYTES = 1024
"""Data bytes of one transaction, as the reference chunks (``lgw_com_chunk_size``); spidev holds 4096."""
RADIO_ANSWER_INDEX = 2


class Target(IntEnum):
    """Byte 0: who is listening on the shared bus."""

    SX1302 = 0
    RADIO_A = 1
    RADIO_B = 2


def write(address: int, data: bytes) -> bytes:
    """Return the frame that writes ``data`` from ``address`` up.

    >>> write(0x5643, b"\\x01").hex()
    '00d64301'
    """
    return bytes((Target.SX1302, WRITE_BIT | (address >> 8), address & 0xFF)) + data


def read(address: int, count: int) -> bytes:
    """Return the frame that reads ``count`` bytes from ``address`` up (0x4000 pops the FIFO instead).

    >>> read(0x5606, 1).hex()
    '0056060000'
    """
    return bytes((Target.SX1302, address >> 8, address & 0xFF, 0)) + bytes(count)


def read_answer(miso: bytes) -> bytes:
    """Return the bytes that a register read brought."""
    return miso[READ_ANSWER_INDEX:]


def radio(rf_chain: int, opcode: int, arguments: bytes) -> bytes:
    """Return the frame of one SX1250 command."""
    return bytes((Target.RADIO_A + rf_chain, opcode)) + arguments


def radio_answer(miso: bytes) -> bytes:
    """Return what a radio said in place of the arguments; the status byte stands where it came."""
    return miso[RADIO_ANSWER_INDEX:]


def sx1261(opcode: int, arguments: bytes) -> bytes:
    """Return the frame of one SX1261 command; its bus has no mux byte."""
    return bytes((opcode,)) + arguments


def sx1261_answer(miso: bytes) -> bytes:
    """Return what the SX1261 said in place of the arguments."""
    return miso[1:]
