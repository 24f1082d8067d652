"""Time as a port: monotonic microseconds decide, UTC only labels; the agent's one importer of ``time``."""

import time
from typing import Protocol

from agent.timing.choice import Choice, Reading, Readings, choose
from agent.wire.messages import TimeQuality


class Clock(Protocol):
    """What the agent asks of time; the virtual one is ``tests.virtual.VirtualClock``."""

    def monotonic_us(self) -> int:
        """Microseconds since some start; never steps."""
        ...

    def utc_us(self) -> int:
        """Microseconds since 1970 as this machine believes; may step by years."""
        ...

    def quality(self) -> TimeQuality:
        """How far ``utc_us`` is to be trusted."""
        ...

    def leap_s(self) -> int:
        """Return GPS − UTC in s as the GNSS receiver says it, else as this release knows it."""
        ...

    def accept(self, reading: Reading) -> None:
        """Take in what GNSS or an LNS says of UTC; called from any thread.

        Raises:
            ValueError: no release of this program can have heard that.
        """
        ...


def pause(duration_s: float) -> None:
    """Let the calling thread wait."""
    time.sleep(duration_s)


class SystemClock:
    """The clocks of this machine, and the sources of time that are no kernel's."""

    def __init__(self, quality: TimeQuality = TimeQuality.UNTRUSTED) -> None:
        self._kernel = quality
        self._readings = Readings()

    def monotonic_us(self) -> int:
        """Return CLOCK_MONOTONIC in microseconds."""
        return time.monotonic_ns() // 1000

    def utc_us(self) -> int:
        """Return UTC in microseconds by the best source."""
        reading = self._choice().reading
        if reading is None:
            return time.time_ns() // 1000
        return self.monotonic_us() + reading.utc_minus_monotonic_us

    def quality(self) -> TimeQuality:
        """Return how far the best source is to be trusted."""
        return self._choice().quality

    def leap_s(self) -> int:
        """Return GPS − UTC in s as the GNSS receiver said it last, else as this release knows it."""
        return self._readings.leap_s

    def accept(self, reading: Reading) -> None:
        """Take in what GNSS or an LNS says of UTC."""
        self._readings = self._readings.taking(reading)

    def trust(self, quality: TimeQuality) -> None:
        """Say how far the kernel's clock is to be trusted from here on."""
        self._kernel = quality

    def _choice(self) -> Choice:
        return choose(self._kernel, self._readings, self.monotonic_us())
