"""What is known to be in the chip, and which writes are still needed to get it where it should be.

A shadow holds bytes that we wrote or read; never those the chip changes by itself and never triggers,
so each of those is always on the bus.  ``segments`` turns field writes into as few transactions as the
order of the writes allows: fields of one byte join, neighbours going up join, nothing overtakes.

Sources: FACTS §1 (bursts increment the address), §3 (blocks), §6 and §10 (the order of writes).
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from hal.bus.spi_frames import BURST_LIMIT_BYTES
from hal.registers import BY_NAME
from hal.registers.bitfields import Field, insert

Write: TypeAlias = tuple[Field, int]
Segment: TypeAlias = tuple[int, bytes]
"""An address and the bytes that go there in one transaction."""

RAM_END = 0x5000
"""Below: program RAM and the RX FIFO (FACTS §3); never shadowed."""
TX_BUFFERS = (range(0x5300, 0x5400), range(0x5500, 0x5600))
BRIDGE_LIMIT_BYTES = 24
"""A gap longer than this costs more time on the bus than a transaction of its own does."""
TRIGGERS = frozenset((0x5200, 0x5400, 0x5207, 0x5407, 0x6180, *range(0x5789, 0x578D), *range(0x6089, 0x608D)))
"""TX triggers and buffer gates, the OTP index, what the two microcontrollers are told."""


def _chip_owned_bits() -> dict[int, int]:
    masks: dict[int, int] = {}
    for field in BY_NAME.values():
        owned = field.mask if field.read_only or not field.checkable else 0
        masks[field.address] = masks.get(field.address, 0) | owned
    return {address: mask for address, mask in masks.items() if mask}


CHIP_OWNED: dict[int, int] = _chip_owned_bits()
"""Bits that the chip changes by itself, or that are pulses: never part of what is known."""
PULSED = frozenset(field.address for field in BY_NAME.values() if not field.checkable)


def is_known_never(address: int) -> bool:
    """Whether nothing at ``address`` can be remembered: RAM, FIFO, TX buffers."""
    return address < RAM_END or any(address in buffer for buffer in TX_BUFFERS)


def goes_out_always(address: int) -> bool:
    """Whether a write must reach the chip even when it changes nothing."""
    return is_known_never(address) or address in TRIGGERS or address in PULSED


class Shadow:
    """Holds what the chip is known to contain: one byte per address."""

    def __init__(self) -> None:
        self._known: dict[int, int] = {}
        self._written: set[int] = set()

    def learn(self, address: int, data: bytes, *, written: bool) -> None:
        """Remember bytes that were read, or written."""
        for position, byte in enumerate(data, start=address):
            if not is_known_never(position):
                self._known[position] = byte & ~CHIP_OWNED.get(position, 0)
                if written:
                    self._written.add(position)

    def get(self, address: int) -> int | None:
        """Return the byte at ``address`` if it is known."""
        return self._known.get(address)

    def holds(self, address: int, byte: int) -> bool:
        """Whether we ourselves wrote ``byte`` there last; what was only read is written once in any case."""
        return (
            address in self._written
            and not goes_out_always(address)
            and self._known[address] == byte & ~CHIP_OWNED.get(address, 0)
        )

    def forget(self) -> None:
        """Know nothing, as after a reset of the chip."""
        self._known.clear()
        self._written.clear()

    def bridge(self, address: int) -> int | None:
        """Return what is at ``address``, for a burst to write in passing; None where none may pass."""
        if goes_out_always(address) or address in CHIP_OWNED:
            return None
        return self._known.get(address)

    def known(self) -> Mapping[int, int]:
        """Return all that is known (for diagnostics)."""
        return self._known


def bytes_of(writes: Iterable[Write], known: Mapping[int, int]) -> list[tuple[int, int]]:
    """Return the final byte of each address, at the place of its last write.

    Raises:
        KeyError: part of a byte is written and its other bits are not in ``known``.
    """
    final: dict[int, int] = {}
    for field, value in writes:
        base = final.pop(field.address, None)
        if base is None:
            base = 0 if field.whole_byte else known[field.address]
        final[field.address] = insert(field, value, base)
    return list(final.items())


def segments(values: Iterable[tuple[int, int]]) -> list[Segment]:
    """Join neighbours that follow one another upwards, in the order given.

    >>> segments([(0x10, 1), (0x11, 2), (0x10, 3)])
    [(16, b'\\x01\\x02'), (16, b'\\x03')]
    """
    joined: list[tuple[int, bytearray]] = []
    for address, byte in values:
        if joined:
            start, data = joined[-1]
            if address == start + len(data) and len(data) < BURST_LIMIT_BYTES:
                data.append(byte)
                continue
        joined.append((address, bytearray((byte,))))
    return [(start, bytes(data)) for start, data in joined]


def bridged(parts: Iterable[Segment], shadow: Shadow) -> list[Segment]:
    """Join segments that follow one another upwards over short gaps, which are written with what they hold.

    Nothing overtakes, and a gap with a trigger, a pulse or a bit of the chip's own stays a gap.
    """
    joined: list[tuple[int, bytearray]] = []
    written: dict[int, int] = {}
    for address, data in parts:
        gap = None if not joined else _gap(joined[-1], address, len(data), shadow, written)
        if gap is None:
            joined.append((address, bytearray(data)))
        else:
            joined[-1][1].extend(gap + data)
        written.update(enumerate(data, start=address))
    return [(start, bytes(data)) for start, data in joined]


def _gap(
    before: tuple[int, bytearray], address: int, more: int, shadow: Shadow, written: Mapping[int, int]
) -> bytes | None:
    """Return the bytes between a segment and the next; None where they cannot be one burst."""
    start, data = before
    end = start + len(data)
    if not 0 <= address - end <= BRIDGE_LIMIT_BYTES or address - start + more > BURST_LIMIT_BYTES:
        return None
    between = [written.get(at, shadow.bridge(at)) for at in range(end, address)]
    return (
        None if any(byte is None for byte in between) else bytes(byte for byte in between if byte is not None)
    )
