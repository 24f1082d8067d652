"""When a frame was received, as well as the clocks know: at its reception, and at the instant it is sent."""

from agent.clock import Clock
from agent.connectors.reception import Reception
from agent.record import Record, record_of
from agent.timing.utc import GPS_EPOCH_UNIX_US, utc_of_gps
from agent.wire.messages import TimeQuality
from hal.packets import ReceivedFrame


def dated_record(
    frame: ReceivedFrame,
    clock: Clock,
    *,
    record_id: int,
    boot: int,
    monotonic_us: int,
    session: int,
    gps_us: int | None,
) -> Record:
    """Return the record of a frame that was just received.

    Where the latch of the PPS dated it (``gps_us``), no delay of this host is in its time.
    """
    utc_us, quality = clock.utc_us() - (clock.monotonic_us() - monotonic_us), clock.quality()
    if gps_us is not None:
        utc_us, quality = utc_of_gps(gps_us, clock.leap_s()), TimeQuality.GNSS
    return record_of(
        frame,
        record_id=record_id,
        received_at_us=utc_us,
        time_quality=quality,
        boot=boot,
        monotonic_us=monotonic_us,
        session=session,
        gps_us=gps_us,
    )


def reception_of(record: Record, clock: Clock, boot: int) -> Reception:
    """Return when a record was received.

    What the latch of the PPS dated stays as it is.  Within one boot the monotonic clock says how long ago the
    others were, so that a frame received before the time was known gets its true time once it is.
    """
    quality, utc_us = clock.quality(), clock.utc_us()
    here = record.boot == boot
    age_us = clock.monotonic_us() - record.monotonic_us if here else None
    if age_us is not None and record.gps_us is None:
        return Reception(utc_us=utc_us - age_us, quality=quality, age_us=age_us, leap_s=clock.leap_s())
    stored, leap_s = TimeQuality(record.time_quality), clock.leap_s()
    if record.gps_us is not None:
        leap_s = (record.gps_us + GPS_EPOCH_UNIX_US - record.received_at_us) // 1_000_000
    if not here and TimeQuality.UNTRUSTED not in {quality, stored}:
        age_us = utc_us - record.received_at_us
    return Reception(utc_us=record.received_at_us, quality=stored, age_us=age_us, leap_s=leap_s)
