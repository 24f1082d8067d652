"""Time as a port: monotonic microseconds decide, UTC only labels; the agent's one importer of ``time``."""

import time
from typing import Protocol

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


class SystemClock:
    """The clocks of this machine; ``quality`` is set by whoever disciplines the clock."""

    def __init__(self, quality: TimeQuality = TimeQuality.UNTRUSTED) -> None:
        self._quality = quality

    def monotonic_us(self) -> int:
        """Return CLOCK_MONOTONIC in microseconds."""
        return time.monotonic_ns() // 1000

    def utc_us(self) -> int:
        """Return CLOCK_REALTIME in microseconds."""
        return time.time_ns() // 1000

    def quality(self) -> TimeQuality:
        """Return what was last said with ``trust``."""
        return self._quality

    def trust(self, quality: TimeQuality) -> None:
        """Say how far UTC is to be trusted from here on."""
        self._quality = quality
