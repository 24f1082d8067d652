"""What the radio thread asks of the downlinks; called in the radio thread."""

from typing import Protocol

from agent.downlink.jit import Entry
from agent.timing.timebase import Anchor, GpsReference


class TransmitQueue(Protocol):
    """See ``agent.downlink.scheduler``."""

    def due(self, counter_us: int) -> Entry | None:
        """Return the entry to program now."""
        ...

    def next_due_us(self) -> int | None:
        """Return the counter at which ``due`` has something to do."""
        ...

    def anchored(self, anchor: Anchor | None, gps: GpsReference | None) -> None:
        """Take in the relation of counter and clocks; None while the radio is off."""
        ...
