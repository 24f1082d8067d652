"""Time as a port: UTC is read once per cycle and handed down.  The one importer of ``time`` in the fleet."""

import time
from typing import Protocol


class Clock(Protocol):
    """What the fleet asks of time; tests bring their own."""

    def now_us(self) -> int:
        """Microseconds UTC."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now_us(self) -> int:
        """Return CLOCK_REALTIME in microseconds."""
        return time.time_ns() // 1000
