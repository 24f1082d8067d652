"""The concentrator's counter against GPS time, from pairs of a PPS latch and the second it began.

A pair whose slope against the last is beyond what a crystal can be off is aberrant and ignored; three in a
row mean that the reference itself was wrong, and the next pair begins anew.

Sources: FACTS §16 (±10 ppm, three aberrant pairs, 30 s of age); GPS epoch 1980-01-06.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from hal.units import Micros

SLOPE_LIMIT_PPM = 10
ABERRANT_LIMIT = 3
AGE_LIMIT_US = 30_000_000
SECOND_US = 1_000_000
GPS_EPOCH_UNIX_S = 315_964_800
PPM = 1_000_000


class Pairing(StrEnum):
    """What became of a pair."""

    FIRST = "first"
    ACCEPTED = "accepted"
    ABERRANT = "aberrant"
    RESTARTED = "restarted"
    REPEATED = "repeated"
    """The same latch again: the PPS is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timebase:
    """The last good pair and how many µs the counter makes in one of GPS."""

    pps_us: Micros
    gps_us: int
    rate: float = 1.0
    aberrant: int = 0

    @property
    def crystal_ppm(self) -> float:
        """The error of the concentrator's crystal in ppm; positive runs fast."""
        return (self.rate - 1.0) * PPM

    def fresh(self, counter_us: Micros) -> bool:
        """Whether the reference is young enough to convert with."""
        return 0 <= counter_us - self.pps_us <= AGE_LIMIT_US

    def gps_at(self, counter_us: Micros) -> int:
        """Return GPS time in µs at a counter value."""
        return self.gps_us + round((counter_us - self.pps_us) / self.rate)

    def counter_at(self, gps_us: int) -> Micros:
        """Return the counter value at a GPS time in µs."""
        return Micros(self.pps_us + round((gps_us - self.gps_us) * self.rate))


def pair(base: Timebase | None, pps_us: Micros, gps_us: int) -> tuple[Timebase, Pairing]:
    """Take a pair in: the counter latched by a PPS, and the GPS time of that PPS."""
    second_us = round(gps_us / SECOND_US) * SECOND_US
    begun = Timebase(pps_us=pps_us, gps_us=second_us)
    if base is None:
        return begun, Pairing.FIRST
    if pps_us == base.pps_us:
        return base, Pairing.REPEATED
    counted, passed = pps_us - base.pps_us, second_us - base.gps_us
    if passed > 0 and abs(counted - passed) * PPM <= SLOPE_LIMIT_PPM * passed:
        return replace(begun, rate=counted / passed), Pairing.ACCEPTED
    if base.aberrant + 1 >= ABERRANT_LIMIT:
        return begun, Pairing.RESTARTED
    return replace(base, aberrant=base.aberrant + 1), Pairing.ABERRANT


def gps_us(utc_us: int, leap_s: int) -> int:
    """Return GPS time in µs since 1980 of UTC in µs since 1970.

    >>> gps_us(315_964_800_000_000, 18)
    18000000
    """
    return utc_us - (GPS_EPOCH_UNIX_S - leap_s) * SECOND_US


def utc_us(gps_us: int, leap_s: int) -> int:
    """Return UTC in µs since 1970.

    >>> utc_us(0, 0) // 1_000_000
    315964800
    """
    return gps_us + (GPS_EPOCH_UNIX_S - leap_s) * SECOND_US
