"""UTC from a GNSS second and the pulse that began it, pure.

The receiver says, 0.1 to 0.6 s after each pulse per second, which second that pulse began; the concentrator
latched its counter at the pulse.  Pairs are judged on the counter, which shares no crystal with the host, so
one wrong message moves nothing (``hal.gnss.timebase``).

Sources: FACTS §9 (PPS latch), §16 (aberrant pairs); u-blox M8 protocol specification, NAV-TIMEGPS.
"""

from dataclasses import dataclass, replace

from agent.timing.choice import Reading
from agent.timing.utc import LEAP_LIMITS_S, LEAP_SECONDS, utc_of_gps
from agent.wire.messages import TimeQuality
from hal.gnss.timebase import Pairing, Timebase, pair
from hal.units import Micros

SAID_AFTER_US = 300_000
"""A NEO-M8 begins to talk 50 to 150 ms after the pulse and needs 0.4 s for its 400 bytes at 9,600 baud."""
SAID_LIMIT_US = 950_000
"""A message later than this behind the pulse may speak of the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """One message of the receiver: GPS time of a navigation epoch, and its monotonic arrival."""

    gps_us: int
    arrived_us: int
    leap_s: int | None = None
    """GPS − UTC as the receiver says it; None while it does not know it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latch:
    """One reading of the concentrator: its counter at a monotonic instant, and at the last pulse."""

    counter_us: int
    monotonic_us: int
    pps_counter_us: int

    @property
    def pps_us(self) -> int:
        """Monotonic instant of the last pulse."""
        return self.monotonic_us - (self.counter_us - self.pps_counter_us)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulses:
    """The last good pair; ``present`` while pulses come; ``leap_s`` as the receiver said it last."""

    base: Timebase | None = None
    present: bool = False
    leap_s: int = LEAP_SECONDS


def discipline(pulses: Pulses, second: Second, latch: Latch | None) -> tuple[Pulses, Reading | None, str]:
    """Return the next state, the reading of UTC if there is one, and what became of the second.

    Without a latch (radio off) or without pulses (none wired) the message's arrival gives UTC; while pulses
    come a message that does not fit them gives none.
    """
    if second.leap_s is not None and second.leap_s in LEAP_LIMITS_S:
        pulses = replace(pulses, leap_s=second.leap_s)
    if latch is None or not 0 < second.arrived_us - latch.pps_us <= SAID_LIMIT_US:
        return _arrival(pulses, second, "no_pulse" if latch is not None else "radio_away")
    base, what = pair(pulses.base, Micros(latch.pps_counter_us), second.gps_us)
    if what is Pairing.REPEATED:
        return _arrival(pulses, second, "no_pulse")
    following = replace(pulses, base=base, present=True)
    if what is Pairing.ABERRANT:
        return following, None, what
    utc_us = utc_of_gps(base.gps_us, following.leap_s)
    reading = _reading(utc_us - latch.pps_us, second.arrived_us, following.leap_s, exact=True)
    return following, reading, what


def _arrival(pulses: Pulses, second: Second, why: str) -> tuple[Pulses, Reading, str]:
    utc_us = utc_of_gps(second.gps_us, pulses.leap_s) + SAID_AFTER_US
    reading = _reading(utc_us - second.arrived_us, second.arrived_us, pulses.leap_s, exact=False)
    return replace(pulses, present=False), reading, why


def _reading(utc_minus_monotonic_us: int, at_us: int, leap_s: int, *, exact: bool) -> Reading:
    return Reading(
        quality=TimeQuality.GNSS,
        utc_minus_monotonic_us=utc_minus_monotonic_us,
        at_us=at_us,
        exact=exact,
        leap_s=leap_s,
    )
