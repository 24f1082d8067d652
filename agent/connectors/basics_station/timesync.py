"""UTC from an LNS, pure: a question answered, or the GPS time of one of our own instants.

    sent ──▶ server says GPS time ──▶ received        UTC at the middle, known to half the round trip
    server: at xtime it was gpstime                   UTC at that instant of the concentrator's counter

The best known of several samples counts: doubt grows with the drift of the host's crystal.  What
``agent.timing.choice`` makes of it comes last of all sources, labelled LNS.

Source: doc.sm.tc/station, "The LNS Protocol", timesync.
"""

from dataclasses import dataclass

from agent.timing.choice import Reading
from agent.timing.utc import GPS_EPOCH_UNIX_US, utc_of_gps
from agent.wire.messages import TimeQuality

ROUND_TRIP_LIMIT_US = 2_000_000
"""A slower answer says too little: AVAILABILITY §1 calls clocks 2 s apart different clocks."""
PUSHED_DOUBT_US = 500_000
"""A server's time for one of our frames is off by its way to the server, which nobody measures."""
PUSHED_AGE_LIMIT_US = 600_000_000
DRIFT_PPM = 50
"""A host's crystal drifts by so much, as in ``agent.timing.choice``."""
GPS_LIMIT_US = 4_102_444_800_000_000 - GPS_EPOCH_UNIX_US
"""The year 2100: no later time is taken for one."""
ASK_US = 300_000_000
ASK_SOON_US = 10_000_000
"""While nothing better than an LNS is trusted and no answer has come yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """UTC minus the monotonic clock, as one answer has it, and how far it may be off."""

    utc_minus_monotonic_us: int
    doubt_us: int
    at_us: int

    def doubt_at(self, now_us: int) -> int:
        """How far it may be off by ``now_us``."""
        return self.doubt_us + max(now_us - self.at_us, 0) * DRIFT_PPM // 1_000_000

    def reading(self) -> Reading:
        """Return it as a source of time."""
        return Reading(
            quality=TimeQuality.LNS,
            utc_minus_monotonic_us=self.utc_minus_monotonic_us,
            at_us=self.at_us,
        )


def answered(*, sent_us: int, received_us: int, gps_us: int, leap_s: int) -> Sample | None:
    """Return what an answer to our question says; None when it came too late or names no time."""
    round_trip_us = received_us - sent_us
    if not 0 <= round_trip_us <= ROUND_TRIP_LIMIT_US or not 0 < gps_us < GPS_LIMIT_US:
        return None
    middle_us = sent_us + round_trip_us // 2
    doubt_us = round_trip_us - round_trip_us // 2
    return Sample(
        utc_minus_monotonic_us=utc_of_gps(gps_us, leap_s) - middle_us, doubt_us=doubt_us, at_us=received_us
    )


def pushed(*, instant_us: int | None, received_us: int, gps_us: int, leap_s: int) -> Sample | None:
    """Return what a server says of the monotonic instant ``instant_us``; None when it is old or not ours."""
    if instant_us is None or not 0 < gps_us < GPS_LIMIT_US:
        return None
    if not 0 <= received_us - instant_us <= PUSHED_AGE_LIMIT_US:
        return None
    return Sample(
        utc_minus_monotonic_us=utc_of_gps(gps_us, leap_s) - instant_us,
        doubt_us=PUSHED_DOUBT_US,
        at_us=received_us,
    )


def better(best: Sample | None, new: Sample) -> Sample:
    """Return the sample to believe from here on.

    One that contradicts what was believed by more than both doubts wins too: the server's clock was set.
    """
    if best is None or new.doubt_us <= best.doubt_at(new.at_us):
        return new
    apart_us = abs(new.utc_minus_monotonic_us - best.utc_minus_monotonic_us)
    return new if apart_us > new.doubt_us + best.doubt_at(new.at_us) else best


def ask_again_us(*, known: bool, quality: TimeQuality) -> int:
    """Return how long to wait before the next question."""
    in_need = quality in {TimeQuality.UNTRUSTED, TimeQuality.LNS} and not known
    return ASK_SOON_US if in_need else ASK_US
