"""The concentrator's counter against the monotonic clock, and by its latch of the PPS against GPS time.

Sources: FACTS §9 (PPS latch), §16 (±10 ppm, three aberrant pairs, 30 s of age).
"""

from dataclasses import dataclass, replace

from hal.gnss.timebase import AGE_LIMIT_US, Pairing, Timebase, pair
from hal.units import Micros

ANCHOR_INTERVAL_US = 1_000_000
"""The counter is read so often: at 50 ppm between the crystals the error stays below 50 us."""

SECOND_US = 1_000_000
PULSE_AGE_LIMIT_US = 2_500_000
PULSE_DOUBT_US = 200_000
PULSES_KEPT = 16
"""The rate of the counter is measured over so many pulses: a latch is good to 1 us, the rate to 0.1 ppm."""


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
    rate: float = 1.0
    """Microseconds of the counter in one of GPS time."""

    def counter_at(self, gps_us: int) -> int:
        """Return the counter at a GPS time."""
        return self.counter_us + round((gps_us - self.gps_us) * self.rate)

    def gps_at(self, counter_us: int) -> int:
        """Return the GPS time at a counter."""
        return self.gps_us + round((counter_us - self.counter_us) / self.rate)

    def holds_at(self, counter_us: int) -> bool:
        """Return whether a counter is near enough to the pulse to be converted."""
        return abs(counter_us - self.counter_us) <= AGE_LIMIT_US


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseTrain:
    """The last pulses of one start of the radio; those that do not fit a crystal are left out."""

    base: Timebase | None = None
    pulses: tuple[GpsReference, ...] = ()
    """The oldest first; the newest has the rate measured over all."""

    @property
    def reference(self) -> GpsReference | None:
        """The newest pulse; None before the first."""
        return self.pulses[-1] if self.pulses else None

    def taking(self, new: GpsReference) -> "PulseTrain":
        """Return the train with one more pulse."""
        base, what = pair(self.base, Micros(new.counter_us), new.gps_us)
        if what in {Pairing.ABERRANT, Pairing.REPEATED}:
            return replace(self, base=base)
        kept = () if what in {Pairing.FIRST, Pairing.RESTARTED} else self.pulses[1 - PULSES_KEPT :]
        if kept:
            counted_us, passed_us = new.counter_us - kept[0].counter_us, new.gps_us - kept[0].gps_us
            new = replace(new, rate=counted_us / passed_us)
        return PulseTrain(base=base, pulses=(*kept, new))


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
