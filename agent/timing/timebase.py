"""The concentrator's counter against the host's monotonic clock."""

from dataclasses import dataclass

ANCHOR_INTERVAL_US = 1_000_000
"""The counter is read so often: at 50 ppm between the crystals the error stays below 50 us."""

SECOND_US = 1_000_000
PULSE_AGE_LIMIT_US = 2_500_000
PULSE_DOUBT_US = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """One reading: the counter showed ``counter_us`` at ``monotonic_us``, in this start of the radio."""

    counter_us: int
    monotonic_us: int
    session: int
    doubt_us: int = 0
    """The reading was within so much of ``monotonic_us``: half of what it took."""

    def counter_at(self, monotonic_us: int) -> int:
        """Return the counter at a monotonic instant."""
        return self.counter_us + monotonic_us - self.monotonic_us

    def monotonic_of(self, counter_us: int) -> int:
        """Return the monotonic instant of a counter."""
        return self.monotonic_us + counter_us - self.counter_us


@dataclass(frozen=True, slots=True, kw_only=True)
class GpsReference:
    """The counter at a pulse per second, and the GPS time of that second."""

    counter_us: int
    gps_us: int

    def counter_at(self, gps_us: int) -> int:
        """Return the counter at a GPS time."""
        return self.counter_us + gps_us - self.gps_us

    def gps_at(self, counter_us: int) -> int:
        """Return the GPS time at a counter."""
        return self.gps_us + counter_us - self.counter_us


def reference_of(anchor: Anchor, pps_counter_us: int, gps_now_us: int, now_us: int) -> GpsReference | None:
    """Return the reference that a pulse gives when the host knows GPS time to better than 0.2 s.

    None when the pulse is old or does not fit the host's time: then one of the two is wrong.
    """
    pps_us = anchor.monotonic_of(pps_counter_us)
    gps_us = gps_now_us - (now_us - pps_us)
    second_us = round(gps_us / SECOND_US) * SECOND_US
    if not 0 <= now_us - pps_us <= PULSE_AGE_LIMIT_US or abs(gps_us - second_us) > PULSE_DOUBT_US:
        return None
    return GpsReference(counter_us=pps_counter_us, gps_us=second_us)


def unroll(tmst: int, near_us: int) -> int:
    """Place a 32-bit counter on the 64-bit timeline, at the point closest to ``near_us``.

    >>> unroll(5, (1 << 32) - 10) - ((1 << 32) - 10)
    15
    """
    half = 1 << 31
    return near_us + (tmst - near_us + half) % (1 << 32) - half
