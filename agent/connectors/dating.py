"""When a record was received, as well as the clocks know at this instant."""

from agent.clock import Clock
from agent.connectors.reception import Reception
from agent.record import Record
from agent.wire.messages import TimeQuality


def reception_of(record: Record, clock: Clock, boot: int) -> Reception:
    """Return when a record was received.

    Within one boot the monotonic clock says how long ago that was, so that a frame received before the
    time was known gets its true time once it is.
    """
    quality, utc_us = clock.quality(), clock.utc_us()
    if record.boot == boot:
        age_us = clock.monotonic_us() - record.monotonic_us
        return Reception(utc_us=utc_us - age_us, quality=quality, age_us=age_us, leap_s=clock.leap_s())
    stored = TimeQuality(record.time_quality)
    trusted = TimeQuality.UNTRUSTED not in {quality, stored}
    age = utc_us - record.received_at_us if trusted else None
    return Reception(utc_us=record.received_at_us, quality=stored, age_us=age, leap_s=clock.leap_s())
