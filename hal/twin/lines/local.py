"""The virtual chip in this very process, with the same surface as ``SocketBus``; and its clock.

Tests and ``passerelle hal transcript`` use it: with a ``VirtualClock`` a whole run takes no real time.
"""

from hal.twin.chip import VirtualChip
from hal.twin.facts import TICKS_PER_US


class LocalBus:
    """``hal.ports.Bus`` and ``hal.ports.I2c`` straight onto a chip."""

    def __init__(self, chip: VirtualChip) -> None:
        self.chip = chip
        self.sx1261 = LocalSx1261Bus(chip)
        self.transfer = chip.transfer
        self.write = chip.i2c_write
        self.read = chip.i2c_read
        self.reset = chip.reset
        self.delay_ns = chip.delay_ns

    def mark(self, phase: str) -> None:
        """Phases have no meaning here."""

    def inject(self, raw: bytes) -> None:
        """Append raw bytes to the RX FIFO."""
        self.chip.inject_fifo(raw)

    def close(self) -> None:
        """The chip stays as it is."""


class LocalSx1261Bus:
    """The SX1261's chip select."""

    def __init__(self, chip: VirtualChip) -> None:
        self.transfer = chip.transfer_sx1261

    def close(self) -> None:
        """Nothing to release."""


class ChipClock:
    """``hal.ports.HalClock`` on the chip's own timeline: sleeping moves virtual time."""

    def __init__(self, chip: VirtualChip) -> None:
        self._chip = chip
        self.slept_ns = 0

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` of virtual time pass."""
        nanoseconds = round(seconds * 1_000_000_000)
        self.slept_ns += nanoseconds
        self._chip.delay_ns(nanoseconds)

    def monotonic_us(self) -> int:
        """Return the chip's counter in microseconds."""
        return self._chip.now_ticks() // TICKS_PER_US
