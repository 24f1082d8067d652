"""The 32 MHz counter of 32 bits (134.2 s a turn) unrolled onto a timeline in microseconds that never wraps.

The host's monotonic clock predicts where the counter must be.  That covers torn reads without a second
read (a byte that jumped is far off the prediction), wraps that nobody watched, and counter slips.

Sources: FACTS §9 (both counters, the torn-read erratum, 27 bits of microseconds), §14 (PPS across a wrap).
"""

from dataclasses import dataclass, replace

from hal.units import Micros, Ticks32MHz

TICKS_PER_US = 32
TURN_TICKS = 1 << 32
TURN_US = TURN_TICKS // TICKS_PER_US
TOLERANCE_US = 5_000
"""A reading this near its prediction is believed: scheduling between the two clocks, not a torn byte."""
TOLERANCE_PPM = 100
"""Drift allowed between the host's clock and the crystal since the last reading."""


def unroll(raw_us: int, near: Micros, turn_us: int = TURN_US) -> Micros:
    """Place ``raw_us`` (modulo ``turn_us``) on the timeline, at the point closest to ``near``.

    Correct while the true distance is below half a turn; works before ``near`` as well as after.

    >>> unroll(5, Micros(TURN_US - 5))
    134217733
    """
    half = turn_us // 2
    return Micros(near + (raw_us - near + half) % turn_us - half)


def not_after(raw_us: int, now: Micros, turn_us: int = TURN_US) -> Micros:
    """Place ``raw_us`` at the last point of the timeline that is not after ``now``.

    >>> not_after(TURN_US - 1, Micros(TURN_US + 4))
    134217727
    """
    return Micros(now - (now - raw_us) % turn_us)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The eight bytes at 0x6101: the counter latched by the PPS, and the one that runs."""

    pps: Ticks32MHz
    running: Ticks32MHz

    @staticmethod
    def decode(data: bytes) -> "Reading":
        """Return the two counters; both are big endian."""
        return Reading(
            pps=Ticks32MHz(int.from_bytes(data[:4], "big")),
            running=Ticks32MHz(int.from_bytes(data[4:8], "big")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The last reading of the counter, on the unwrapped timeline and on the host's clock."""

    counter_us: Micros
    host_us: int
    raw: Ticks32MHz
    pps_us: Micros
    raw_pps: Ticks32MHz
    slips: int = 0

    def predicted_us(self, host_us: int) -> Micros:
        """Return where the counter must be at a host instant, up to the drift of two crystals."""
        return Micros(self.counter_us + host_us - self.host_us)

    def plausible(self, reading: Reading, host_us: int) -> bool:
        """Whether a reading agrees with the prediction; one that does not is torn, or the counter slipped."""
        predicted = self.predicted_us(host_us)
        tolerance = TOLERANCE_US + (host_us - self.host_us) * TOLERANCE_PPM // 1_000_000
        return abs(unroll(reading.running // TICKS_PER_US, predicted) - predicted) <= tolerance

    def advance(self, reading: Reading, host_us: int) -> "Timeline":
        """Return the timeline after a reading that is believed."""
        counter_us = unroll(reading.running // TICKS_PER_US, self.predicted_us(host_us))
        pps_us = self.pps_us
        if reading.pps != self.raw_pps:
            pps_us = _pps(reading, counter_us)
        return replace(
            self,
            counter_us=counter_us,
            host_us=host_us,
            raw=reading.running,
            pps_us=pps_us,
            raw_pps=reading.pps,
            slips=self.slips + (not self.plausible(reading, host_us)),
        )


def begin(reading: Reading, host_us: int) -> Timeline:
    """Start the timeline at the counter's own value."""
    counter_us = Micros(reading.running // TICKS_PER_US)
    return Timeline(
        counter_us=counter_us,
        host_us=host_us,
        raw=reading.running,
        pps_us=_pps(reading, counter_us),
        raw_pps=reading.pps,
    )


def _pps(reading: Reading, counter_us: Micros) -> Micros:
    return Micros(counter_us - (reading.running - reading.pps) % TURN_TICKS // TICKS_PER_US)
