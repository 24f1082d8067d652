"""The pulse per second of a GNSS receiver, as instants on the chip's unwrapped counter.

Sources: FACTS §9 (PPS-latched counter), §6.20 (GPS_EN).
"""

from hal.twin.facts import TICKS_PER_SECOND


class Pps:
    """Edges every ``period_ticks``; a crystal that runs fast counts more than 32,000,000 between edges."""

    def __init__(self, *, phase_ticks: int = 0, period_ticks: int = TICKS_PER_SECOND) -> None:
        if period_ticks <= 0:
            raise ValueError(f"period_ticks: {period_ticks} is not positive")
        self._phase = phase_ticks
        self._period = period_ticks

    def align(self, edge_ticks: int) -> None:
        """Let an edge be at ``edge_ticks``."""
        self._phase = edge_ticks

    def shift(self, ticks: int) -> None:
        """Follow a jump of the counter: the edges stay where they are in time."""
        self._phase += ticks

    def last(self, now: int) -> int:
        """Return the latest edge at or before ``now``."""
        return now - (now - self._phase) % self._period

    def next(self, now: int) -> int:
        """Return the first edge after ``now``."""
        return self.last(now) + self._period
