"""Time as a port.  The monotonic clock measures waits and schedules, UTC only dates what happens.

``FleetClock`` is the time of one process: UTC that never steps by itself, whatever the host's clock does.  It
is the monotonic clock plus an offset; only the engine moves the offset, when ``fleet.evidence.timekeeping``
says so.  The one importer of ``time`` in the fleet.
"""

import time
from collections.abc import Callable
from typing import Final, Protocol

processor_ns: Final[Callable[[], int]] = time.thread_time_ns
"""What this thread has used of a processor, in nanoseconds; read twice a message, so bare."""


class Clock(Protocol):
    """What the fleet asks of time; tests bring their own."""

    def now_us(self) -> int:
        """Microseconds UTC: dates facts."""
        ...

    def monotonic_us(self) -> int:
        """Microseconds since some start: measures waits and schedules; never steps."""
        ...


class SystemClock:
    """The clocks of this machine; its UTC may step by years."""

    def now_us(self) -> int:
        """Return CLOCK_REALTIME in microseconds."""
        return time.time_ns() // 1000

    def monotonic_us(self) -> int:
        """Return CLOCK_MONOTONIC in microseconds."""
        return time.monotonic_ns() // 1000


class FleetClock:
    """UTC that goes on evenly; read by every thread, moved by the engine's."""

    def __init__(self, host: Clock) -> None:
        self._host = host
        self._offset_us = host.now_us() - host.monotonic_us()
        self.moved_monotonic_us = host.monotonic_us()
        """When it was moved last: what was dated until then has another date by now."""

    def now_us(self) -> int:
        """Return the fleet's UTC."""
        return self._host.monotonic_us() + self._offset_us

    def monotonic_us(self) -> int:
        """Return the monotonic clock of the host."""
        return self._host.monotonic_us()

    def host_us(self) -> int:
        """Return UTC as the host believes it."""
        return self._host.now_us()

    def utc_us(self, monotonic_us: int) -> int:
        """Return the fleet's UTC at an instant of the monotonic clock."""
        return monotonic_us + self._offset_us

    def shift(self, by_us: int) -> None:
        """Move the fleet's UTC; past instants of the monotonic clock move with it."""
        self._offset_us += by_us
        if by_us:
            self.moved_monotonic_us = self._host.monotonic_us()
