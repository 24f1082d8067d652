"""When a frame was received: a value; ``dating.py`` makes it."""

from dataclasses import dataclass

from agent.timing.utc import GPS_EPOCH_UNIX_US, LEAP_SECONDS
from agent.wire.messages import TimeQuality


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """UTC of the end of a frame and how far to trust it."""

    utc_us: int
    quality: TimeQuality
    age_us: int | None
    """Time since reception; None where nothing trusted says so."""

    @property
    def gps_us(self) -> int | None:
        """Microseconds since the GPS epoch without leap seconds; None without trusted time."""
        if self.quality is TimeQuality.UNTRUSTED:
            return None
        return self.utc_us - GPS_EPOCH_UNIX_US + LEAP_SECONDS * 1_000_000
