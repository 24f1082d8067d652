"""Sleeps and the monotonic clock of this machine; the only importer of ``time`` in hal."""

import time


class SystemClock:
    """``hal.ports.HalClock`` on the operating system."""

    def sleep(self, seconds: float) -> None:
        """Give the processor away for ``seconds``."""
        time.sleep(seconds)

    def monotonic_us(self) -> int:
        """Return CLOCK_MONOTONIC in microseconds."""
        return time.monotonic_ns() // 1000
