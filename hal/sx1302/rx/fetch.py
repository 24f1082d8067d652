"""Taking the bytes that wait in the RX FIFO.

The count is two bytes and can be read torn.  A first reading of zero is believed: a torn zero waits for
the next poll.  Anything else is read again; the count only grows, so the second must not be smaller.

Sources: FACTS §8 (count, FIFO, the reference's second read), §14.
"""

from collections import Counter

from hal.bus.access import Registers
from hal.errors import ChipMisbehaved, LineFailed
from hal.fault import Fault, FaultKind
from hal.sx1302.rx.fifo import COUNT_MASK, FIFO_BYTES

COUNT_AT = 0x58C8
FIFO_AT = 0x4000
READINGS_LIMIT = 4
DEAD_LINE = b"\xff\xff"


class Fetch:
    """The FIFO's host side."""

    def __init__(self, registers: Registers, counts: Counter[str]) -> None:
        self._registers = registers
        self._counts = counts

    def fetch(self) -> bytes:
        """Return what waits in the FIFO.

        Raises:
            LineFailed: the bus reads ones only.
            ChipMisbehaved: the count makes no sense in any reading.
        """
        count = self._count()
        if count == 0:
            return b""
        for _ in range(READINGS_LIMIT):
            again = self._count()
            if again >= count and again <= FIFO_BYTES:
                return self._registers.read_memory(FIFO_AT, again, fifo=True)
            self._counts["torn_counts"] += 1
            count = min(count, again) if again else 0
            if count == 0:
                return b""
        raise ChipMisbehaved(f"FIFO count keeps changing or exceeds {FIFO_BYTES}", where="0x58c8")

    def _count(self) -> int:
        data = self._registers.read_memory(COUNT_AT, 2)
        if data == DEAD_LINE:
            dead = Fault(FaultKind.DEAD_BUS, 0xFFFF)
            raise LineFailed(str(dead), where="0x58c8", fault=dead)
        return int.from_bytes(data, "big") & COUNT_MASK
