"""Registers and memory of the SX1302 over any bus, through the shadow.

``apply`` is the one way in for configuration: field writes go out as few bursts as their order allows and,
on a bus that takes several frames in one command (USB), in one command.

Sources: FACTS §1 framing, §2 bulk mode, §3 registers.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from hal.bus import spi_frames
from hal.bus.shadow import Segment, Shadow, Write, bridged, bytes_of, segments
from hal.bus.spi_frames import BURST_LIMIT_BYTES
from hal.errors import LineFailed, OurMistake
from hal.ports import Bus
from hal.registers import describe
from hal.registers.bitfields import Field, extract, insert

READ_LIMIT_BYTES = 4_092
"""A read of RAM fits, with its head of four bytes, spidev's buffer and a USB command (FACTS §1, §2)."""


@runtime_checkable
class BulkBus(Protocol):
    """A bus that carries several writes in one command (the USB bridge, FACTS §2)."""

    def write_many(self, frames: Sequence[bytes]) -> None: ...


class Registers:
    """Register access; counts its transactions."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.shadow = Shadow()
        self.transactions = 0

    def transfer(self, frame: bytes) -> bytes:
        """Move one frame and check that as many bytes came back.

        Raises:
            LineFailed: the bus failed or moved too few bytes.
        """
        self.transactions += 1
        miso = self.bus.transfer(frame)
        if len(miso) != len(frame):
            raise LineFailed(f"{len(miso)} of {len(frame)} bytes came back", where="SX1302 bus")
        return miso

    def read(self, address: int, count: int = 1) -> bytes:
        """Return ``count`` bytes from ``address`` up, in one transaction."""
        data = spi_frames.read_answer(self.transfer(spi_frames.read(address, count)))
        self.shadow.learn(address, data, written=False)
        return data

    def read_field(self, field: Field) -> int:
        """Return the value of ``field``, read from the chip."""
        return extract(field, self.read(field.address)[0])

    def read_memory(self, address: int, count: int, *, fifo: bool = False) -> bytes:
        """Return ``count`` bytes of RAM or of the FIFO, in bursts."""
        parts, longest = [], BURST_LIMIT_BYTES if fifo else READ_LIMIT_BYTES
        for start in range(0, count, longest):
            size = min(longest, count - start)
            at = address if fifo else address + start
            parts.append(spi_frames.read_answer(self.transfer(spi_frames.read(at, size))))
        return b"".join(parts)

    def write(self, address: int, data: bytes) -> None:
        """Write bytes from ``address`` up, whatever the shadow believes."""
        self.write_segments([(address, data)])

    def write_memory(self, address: int, data: bytes) -> None:
        """Write RAM in bursts."""
        for start in range(0, len(data), BURST_LIMIT_BYTES):
            self.write(address + start, data[start : start + BURST_LIMIT_BYTES])

    def write_field(self, field: Field, value: int) -> None:
        """Write one field: one transaction when its neighbours are known, else a read first."""
        base = 0 if field.whole_byte else self.byte(field.address)
        self.write(field.address, bytes((insert(field, value, base),)))

    def byte(self, address: int) -> int:
        """Return the byte at ``address``, from the shadow if it is known."""
        known = self.shadow.get(address)
        if known is None:
            found = self.read(address)[0]
            known = self.shadow.get(address)
            return found if known is None else known
        return known

    def apply(self, writes: Sequence[Write], *, known_only: bool = True) -> None:
        """Bring the fields to their values; bytes that we wrote before and that are right stay untouched.

        Raises:
            OurMistake: a write to a read-only field.
        """
        self.write_segments(self.plan(writes, known_only=known_only))

    def plan_in_any_order(self, writes: Sequence[Write], *, known_only: bool = True) -> list[Segment]:
        """Return the fewest segments, for registers that something written later makes count."""
        planned = self.plan(writes, known_only=known_only)
        values = [(at, byte) for start, data in planned for at, byte in enumerate(data, start=start)]
        return bridged(segments(sorted(values)), self.shadow)

    def plan(self, writes: Sequence[Write], *, known_only: bool = True) -> list[Segment]:
        """Return the segments that ``apply`` would write."""
        for field, _ in writes:
            if field.read_only:
                raise OurMistake("write to a read-only field", where=describe(field.address))
        partial = {field.address for field, _ in writes if not field.whole_byte}
        values = bytes_of(writes, {address: self.byte(address) for address in partial})
        if known_only:
            values = [(at, byte) for at, byte in values if not self.shadow.holds(at, byte)]
        return segments(values)

    def write_segments(self, parts: Sequence[tuple[int, bytes]]) -> None:
        """Write segments in order; in one command where the bus can."""
        frames = [spi_frames.write(address, data) for address, data in parts]
        if isinstance(self.bus, BulkBus) and len(frames) > 1:
            self.transactions += len(frames)
            self.bus.write_many(frames)
        else:
            for frame in frames:
                self.transfer(frame)
        for address, data in parts:
            self.shadow.learn(address, data, written=True)
