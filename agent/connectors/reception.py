"""When a record was received, as well as can be told now."""

from dataclasses import dataclass

from agent.clock import Clock
from agent.radio.utc import GPS_EPOCH_UNIX_US, LEAP_SECONDS
from agent.spool.record import Record
from agent.wire.messages import TimeQuality


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """UTC of the end of a frame and how far to trust it."""

    utc_us: int
    quality: TimeQuality
    age_us: int | None
    """Since reception; None where nothing trusted says so."""

    @property
    def gps_us(self) -> int | None:
        """Microseconds since the GPS epoch without leap seconds; None without trusted time."""
        if self.quality is TimeQuality.UNTRUSTED:
            return None
        return self.utc_us - GPS_EPOCH_UNIX_US + LEAP_SECONDS * 1_000_000


def reception_of(record: Record, clock: Clock, boot: int) -> Reception:
    """Return when a record was received.

    Within one boot the monotonic clock says how long ago that was, so that a frame received before the
    time was known gets its true time once it is.
    """
    quality, utc_us = clock.quality(), clock.utc_us()
    if record.boot == boot:
        age_us = clock.monotonic_us() - record.monotonic_us
        return Reception(utc_us=utc_us - age_us, quality=quality, age_us=age_us)
    stored = TimeQuality(record.time_quality)
    trusted = TimeQuality.UNTRUSTED not in {quality, stored}
    age = utc_us - record.received_at_us if trusted else None
    return Reception(utc_us=record.received_at_us, quality=stored, age_us=age)
