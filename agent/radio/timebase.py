"""The concentrator's counter against the host's monotonic clock."""

from dataclasses import dataclass

ANCHOR_INTERVAL_US = 1_000_000
"""Between two readings of the counter: at 50 ppm between the crystals the error stays below 50 us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """One reading: the counter showed ``counter_us`` at ``monotonic_us``, in this start of the radio."""

    counter_us: int
    monotonic_us: int
    session: int

    def counter_at(self, monotonic_us: int) -> int:
        """Return the counter at a monotonic instant."""
        return self.counter_us + monotonic_us - self.monotonic_us

    def monotonic_of(self, counter_us: int) -> int:
        """Return the monotonic instant of a counter."""
        return self.monotonic_us + counter_us - self.counter_us


def unroll(tmst: int, near_us: int) -> int:
    """Place a 32-bit counter on the 64-bit timeline, at the point closest to ``near_us``.

    >>> unroll(5, (1 << 32) - 10) - ((1 << 32) - 10)
    15
    """
    half = 1 << 31
    return near_us + (tmst - near_us + half) % (1 << 32) - half
