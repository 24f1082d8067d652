"""Which source says what UTC is, pure: the kernel's clock, or an offset to the monotonic clock.

    GNSS by its pulse, of late ─▶ NTP, as the kernel says ─▶ GNSS, held ─▶ LNS, held ─▶ untrusted

A source that is followed by offset makes steps of the wall clock harmless: UTC is then the monotonic clock
plus a number.

Sources: DESIGN §4 (Time).
"""

from dataclasses import dataclass, replace

from agent.timing.utc import LEAP_SECONDS
from agent.wire.messages import TimeQuality

GNSS_FRESH_US = 600_000_000
"""A reading by the pulse beats NTP for so long: 50 ppm of a host's crystal are 30 ms by then."""
HOLD_US = 86_400_000_000
"""A reading counts as trusted for so long: 50 ppm are 4.3 s in a day, below what any rule here asks."""
NOT_BEFORE_UTC_US = 1_767_225_600_000_000
"""2026-01-01, before the first release: an earlier reading is a receiver whose week counter rolled over."""

OWN_TIME = frozenset({TimeQuality.NTP, TimeQuality.GNSS})
"""Qualities that may forget what was sent, drop what is old, or judge an expiry.

The word of an LNS labels frames and does none of these: a server that is years ahead would clear the hour of
air time and the spool.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a source says: UTC is the monotonic clock plus ``utc_minus_monotonic_us``."""

    quality: TimeQuality
    utc_minus_monotonic_us: int
    at_us: int
    """Monotonic instant of the reading."""
    exact: bool = True
    """To a millisecond; a message without a pulse is only good to half a second, and NTP is better."""
    leap_s: int | None = None
    """GPS − UTC in s where the source says it."""

    @property
    def utc_us(self) -> int:
        """UTC at the reading."""
        return self.at_us + self.utc_minus_monotonic_us


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """The last reading of each source that is no kernel's."""

    gnss: Reading | None = None
    lns: Reading | None = None
    leap_s: int = LEAP_SECONDS
    """GPS − UTC as the receiver said it last; it changes twice a year at most, so the last one holds."""

    def taking(self, reading: Reading) -> "Readings":
        """Return the readings with a new one in its place.

        Raises:
            ValueError: the reading lies before any release of this program, or its source gives none.
        """
        if reading.utc_us < NOT_BEFORE_UTC_US:
            raise ValueError(
                f"{reading.quality.name} says {reading.utc_us} us since 1970: before any release"
            )
        match reading.quality:
            case TimeQuality.GNSS:
                leap_s = self.leap_s if reading.leap_s is None else reading.leap_s
                return replace(self, gnss=reading, leap_s=leap_s)
            case TimeQuality.LNS:
                return replace(self, lns=reading)
            case _:
                raise ValueError(f"{reading.quality.name} gives no readings, the kernel follows it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What to follow: ``reading`` None is the kernel's clock."""

    quality: TimeQuality
    reading: Reading | None


_NTP = Choice(quality=TimeQuality.NTP, reading=None)


def choose(kernel: TimeQuality, readings: Readings, now_us: int) -> Choice:
    """Return what UTC follows at the monotonic instant ``now_us``.

    Where nothing is trusted any more the newest reading is still a better label than a kernel's clock that
    nobody set, so it is followed as UNTRUSTED.
    """
    gnss, lns = readings.gnss, readings.lns
    if gnss is not None and gnss.exact and now_us - gnss.at_us <= GNSS_FRESH_US:
        return Choice(quality=TimeQuality.GNSS, reading=gnss)
    if kernel is TimeQuality.NTP:
        return _NTP
    for held in (gnss, lns):
        if held is not None and now_us - held.at_us <= HOLD_US:
            return Choice(quality=held.quality, reading=held)
    known = [reading for reading in (gnss, lns) if reading is not None]
    newest = max(known, key=lambda reading: reading.at_us, default=None)
    return Choice(quality=TimeQuality.UNTRUSTED, reading=newest)
