"""The 32 MHz counter of the virtual chip: real time with a crystal error, or virtual time from the bus.

Virtual time moves by the bytes on the bus (8 bits each at 2 MHz) and by the delays that the program
asks for, so that a run is reproducible to the byte.

Sources: FACTS §9 (32 MHz), §1 (2 MHz SPI); TWIN_SOCKET.md, "Two clocks".
"""

import time
from collections.abc import Callable
from typing import Protocol

from hal.twin.facts import TICKS_PER_BUS_BYTE, TICKS_PER_SECOND, TICKS_PER_US

__all__ = ["TICKS_PER_SECOND", "TICKS_PER_US", "ChipCounter", "RealClock", "TwinClock", "VirtualClock"]


class TwinClock(Protocol):
    """Ticks of 1/32 µs, of one oscillator; never wraps here, a chip shows the low 32 bits."""

    def ticks(self) -> int: ...

    def bus_bytes(self, count: int) -> None:
        """Account for ``count`` bytes that moved on a bus."""
        ...

    def delay_ns(self, nanoseconds: int) -> None:
        """Account for a sleep of the program."""
        ...

    def host_us(self, ticks: int) -> int:
        """Return when the counter shows ``ticks``, on the host's monotonic clock where there is one."""
        ...

    def ticks_at(self, host_us: int) -> int:
        """Return what the counter shows at ``host_us``."""
        ...


class RealClock:
    """Follows the host's monotonic clock; ``crystal_ppm`` > 0 runs fast."""

    def __init__(
        self,
        *,
        start_ticks: int = 0,
        crystal_ppm: float = 0.0,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._monotonic_ns = monotonic_ns
        self._began_ns = monotonic_ns()
        self._offset = start_ticks
        self._ppb = round(crystal_ppm * 1000)

    def ticks(self) -> int:
        elapsed_ns = self._monotonic_ns() - self._began_ns
        if self._ppb:
            elapsed_ns += elapsed_ns * self._ppb // 1_000_000_000
        return self._offset + elapsed_ns * 4 // 125

    def bus_bytes(self, count: int) -> None:
        """Real time does not wait for the bus."""

    def delay_ns(self, nanoseconds: int) -> None:
        """The program sleeps by itself."""

    def host_us(self, ticks: int) -> int:
        elapsed_ns = (ticks - self._offset) * 125 // 4
        elapsed_ns -= elapsed_ns * self._ppb // 1_000_000_000
        return (self._began_ns + elapsed_ns) // 1000

    def ticks_at(self, host_us: int) -> int:
        elapsed_ns = host_us * 1000 - self._began_ns
        elapsed_ns += elapsed_ns * self._ppb // 1_000_000_000
        return self._offset + elapsed_ns * 4 // 125


class VirtualClock:
    """Stands still unless bytes move on the bus or the program sleeps."""

    def __init__(self, *, start_ticks: int = 0) -> None:
        self._ticks = start_ticks
        self._remainder_ns = 0

    def ticks(self) -> int:
        return self._ticks

    def bus_bytes(self, count: int) -> None:
        self._ticks += count * TICKS_PER_BUS_BYTE

    def delay_ns(self, nanoseconds: int) -> None:
        total = nanoseconds * 4 + self._remainder_ns
        self._ticks += total // 125
        self._remainder_ns = total % 125

    def host_us(self, ticks: int) -> int:
        return ticks // TICKS_PER_US

    def ticks_at(self, host_us: int) -> int:
        return host_us * TICKS_PER_US


class ChipCounter:
    """One chip's counter on a clock that other chips may share: it starts at 0 and can be made to jump."""

    def __init__(self, clock: TwinClock) -> None:
        self._clock = clock
        self._offset = 0
        self.bus_bytes = clock.bus_bytes
        self.delay_ns = clock.delay_ns

    def ticks(self) -> int:
        return self._clock.ticks() + self._offset

    def slip(self, ticks: int) -> None:
        """Let the counter jump by ``ticks``: a reset, an injected fault, or a replay's set-up."""
        self._offset += ticks

    def host_us(self, ticks: int) -> int:
        return self._clock.host_us(ticks - self._offset)

    def ticks_at(self, host_us: int) -> int:
        return self._clock.ticks_at(host_us) + self._offset
