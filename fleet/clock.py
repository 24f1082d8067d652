"""Time as a port: UTC is read once per cycle and handed down.  The one importer of ``time`` in the fleet."""

import time
from typing import Protocol


class Clock(Protocol):
    """What the fleet asks of time; tests bring their own."""

    def now_us(self) -> int:
        """Microseconds UTC: dates facts; may step."""
        ...

    def monotonic_us(self) -> int:
        """Microseconds since some start: measures waits and schedules; never steps."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now_us(self) -> int:
        """Return CLOCK_REALTIME in microseconds."""
        return time.time_ns() // 1000

    def monotonic_us(self) -> int:
        """Return CLOCK_MONOTONIC in microseconds."""
        return time.monotonic_ns() // 1000
