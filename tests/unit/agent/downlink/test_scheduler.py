"""Downlinks judged: time, stale context, band, power, duty cycle, GPS; and handed to the radio."""

from pathlib import Path

import pytest

from agent.downlink.airtime_book import AirtimeBook
from agent.downlink.antenna import antenna_of
from agent.downlink.beacon import gateway_info, next_beacon_us
from agent.downlink.jit import MIN_LEAD_US, PROGRAM_AHEAD_US
from agent.downlink.model import AtCounter, AtGps, AtTmst, Code, Downlink, Immediate, Timing
from agent.downlink.scheduler import DownlinkScheduler
from agent.timing.timebase import Anchor, GpsReference, reference_of
from agent.wire import reasons
from agent.wire.configuration import LbtChannelConfig, LbtConfig, RadioConfig
from hal.packets import Lora, TxTrigger
from hal.units import Hz
from tests.datapath.virtual import ManualClock, data_up, record

SECOND = 1_000_000
COUNTER = 77_000_000_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(now_us=5_000_000_000)


@pytest.fixture
def scheduler(clock: ManualClock, tmp_path: Path) -> DownlinkScheduler:
    book = AirtimeBook(directory=tmp_path, clock=clock, later=lambda work: work())
    made = DownlinkScheduler(clock=clock, antenna=antenna_of(RadioConfig()), book=book, wake=lambda: None)
    made.anchored(anchor(clock), None)
    return made


def anchor(clock: ManualClock, session: int = 1) -> Anchor:
    return Anchor(counter_us=COUNTER, monotonic_us=clock.now_us, session=session)


def downlink(
    timing: Timing, *, frequency_hz: int = 868_100_000, size: int = 20, power: float | None = 14
) -> Downlink:
    return Downlink(
        payload=bytes(size),
        modulation=Lora(sf=12),
        frequency_hz=Hz(frequency_hz),
        timing=timing,
        power_dbm=power,
    )


def test_class_a_is_taken_to_the_last_instant(scheduler: DownlinkScheduler) -> None:
    tmst = (COUNTER + MIN_LEAD_US) % 2**32
    assert scheduler.submit(downlink(AtTmst(tmst))).code is Code.OK
    assert scheduler.submit(downlink(AtTmst((tmst - 1) % 2**32))).code is Code.TOO_LATE


def test_a_taken_downlink_comes_out_when_it_is_to_be_programmed(scheduler: DownlinkScheduler) -> None:
    verdict = scheduler.submit(downlink(AtTmst((COUNTER + SECOND) % 2**32)))
    assert verdict.start_us == COUNTER + SECOND
    assert scheduler.next_due_us() == COUNTER + SECOND - PROGRAM_AHEAD_US
    assert scheduler.due(COUNTER) is None
    entry = scheduler.due(COUNTER + SECOND - PROGRAM_AHEAD_US)
    assert entry is not None
    assert entry.transmission.trigger is TxTrigger.TIMESTAMPED
    assert entry.transmission.at_us == COUNTER + SECOND


def test_a_downlink_that_answers_a_late_frame_is_too_late(scheduler: DownlinkScheduler) -> None:
    old = record(1, data_up(), monotonic_us=COUNTER - 2**32 + 5 * SECOND)
    timing = AtTmst((old.tmst + SECOND) % 2**32)
    assert scheduler.submit(downlink(timing)).code is Code.OK
    scheduler.stale([old])
    assert scheduler.submit(downlink(AtTmst((old.tmst + 6 * SECOND) % 2**32))).code is Code.TOO_LATE
    assert scheduler.submit(downlink(AtTmst((old.tmst + 6 * SECOND + 1) % 2**32))).code is Code.OK


@pytest.mark.parametrize(("delay_s", "code"), [(1, Code.TOO_LATE), (16, Code.TOO_LATE), (17, Code.OK)])
def test_a_late_frame_is_answered_up_to_16_seconds_after_it(
    scheduler: DownlinkScheduler, delay_s: int, code: Code
) -> None:
    late = record(1, data_up(), monotonic_us=2**32 - 1)
    scheduler.stale([late])
    near = Anchor(counter_us=2**32, monotonic_us=5_000_000_000 - SECOND // 2, session=1)
    scheduler.anchored(near, None)
    answer = AtTmst((late.tmst + delay_s * SECOND) % 2**32)
    assert scheduler.submit(downlink(answer)).code is code


@pytest.mark.parametrize(("age_s", "code"), [(20, Code.TOO_LATE), (20.000_001, Code.OK)])
def test_a_frame_is_answered_within_20_seconds_and_then_forgotten(
    scheduler: DownlinkScheduler, clock: ManualClock, age_s: float, code: Code
) -> None:
    received_us = clock.now_us - round(age_s * SECOND)
    scheduler.frame_received(record(1, data_up(), counter_us=COUNTER, monotonic_us=received_us))
    scheduler.anchored(anchor(clock, session=2), None)
    assert scheduler.submit(downlink(AtTmst((COUNTER + 5 * SECOND) % 2**32))).code is code


def test_a_new_start_of_the_radio_takes_the_queue_with_it_even_if_nobody_saw_it_off(
    scheduler: DownlinkScheduler, clock: ManualClock
) -> None:
    ticket = scheduler.submit(downlink(Immediate())).ticket
    scheduler.anchored(anchor(clock), None)
    assert (scheduler.session, scheduler.missed()) == (1, [])
    scheduler.anchored(anchor(clock, session=2), None)
    assert (scheduler.session, [entry.ticket for entry in scheduler.missed()]) == (2, [ticket])
    scheduler.anchored(None, None)
    assert (scheduler.session, scheduler.counter_now()) == (-1, 0)


def test_over_udp_an_answer_to_another_start_of_the_radio_is_too_late(
    scheduler: DownlinkScheduler, clock: ManualClock
) -> None:
    before = record(1, data_up(), counter_us=COUNTER, monotonic_us=clock.now_us)
    scheduler.frame_received(before)
    answer = AtTmst((before.tmst + 5 * SECOND) % 2**32)
    assert scheduler.submit(downlink(answer)).code is Code.OK
    scheduler.anchored(None, None)
    scheduler.anchored(anchor(clock, session=2), None)
    refused = scheduler.submit(downlink(answer))
    assert refused.code is Code.TOO_LATE
    again = record(2, data_up(), counter_us=COUNTER + 7, monotonic_us=clock.now_us)
    scheduler.frame_received(again)
    assert scheduler.submit(downlink(AtTmst((again.tmst + 5 * SECOND) % 2**32))).code is Code.OK


def test_a_counter_of_another_start_of_the_radio_is_refused(scheduler: DownlinkScheduler) -> None:
    assert scheduler.submit(downlink(AtCounter(COUNTER + SECOND, 1))).code is Code.OK
    refused = scheduler.submit(downlink(AtCounter(COUNTER + 9 * SECOND, 2)))
    assert (refused.code, refused.reason) == (Code.TOO_LATE, reasons.downlink.other_session())


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (downlink(Immediate(), frequency_hz=868_650_000), Code.TX_FREQ),
        (downlink(AtGps(5)), Code.GPS_UNLOCKED),
        (downlink(AtTmst((COUNTER + 600 * SECOND) % 2**32)), Code.TOO_EARLY),
        (downlink(Immediate()), Code.OK),
    ],
)
def test_each_refusal_has_its_code(scheduler: DownlinkScheduler, wanted: Downlink, code: Code) -> None:
    assert scheduler.submit(wanted).code is code


def test_a_downlink_quieter_than_asked_says_so(scheduler: DownlinkScheduler) -> None:
    verdict = scheduler.submit(downlink(Immediate(), power=27))
    assert (verdict.code, verdict.power_dbm) == (Code.OK, 16)


def test_a_good_antenna_without_a_low_power_is_refused(scheduler: DownlinkScheduler) -> None:
    scheduler.antenna = antenna_of(RadioConfig(antenna_gain_db=8.0))
    assert scheduler.submit(downlink(Immediate())).code is Code.TX_POWER
    scheduler.antenna = antenna_of(RadioConfig(board="unheard-of"))
    assert scheduler.submit(downlink(Immediate())).code is Code.INTERNAL


@pytest.mark.parametrize(
    ("frequency_hz", "limit_ms", "code"),
    [
        (868_100_000, 1_400, Code.OK),
        (868_300_000, 1_400, Code.LBT),
        (868_100_000, 1_320, Code.LBT),
    ],
)
def test_where_one_listens_first_only_its_channels_serve(
    scheduler: DownlinkScheduler, frequency_hz: int, limit_ms: int, code: Code
) -> None:
    channel = LbtChannelConfig(frequency_hz=868_100_000, transmit_limit_ms=limit_ms)
    radio = RadioConfig(board="rak5146", sx1261=True, lbt=LbtConfig(channels=(channel,)))
    scheduler.antenna = antenna_of(radio)
    assert scheduler.submit(downlink(Immediate(), frequency_hz=frequency_hz)).code is code


def test_the_duty_cycle_is_an_hour_of_its_band(scheduler: DownlinkScheduler, clock: ManualClock) -> None:
    taken = 0
    while scheduler.submit(downlink(Immediate())).code is Code.OK:
        taken += 1
        clock.now_us += 10 * SECOND
        while scheduler.due(COUNTER + clock.now_us - 5_000_000_000):
            pass
    assert taken == 36_000_000 // 1_318_912
    refused = scheduler.submit(downlink(Immediate()))
    assert refused.code is Code.DUTY_CYCLE
    assert "band M" in str(refused.reason)
    assert scheduler.submit(downlink(Immediate(), frequency_hz=869_525_000)).code is Code.OK


def test_what_did_not_leave_is_not_charged(scheduler: DownlinkScheduler) -> None:
    for _ in range(100):
        verdict = scheduler.submit(downlink(Immediate()))
        assert verdict.code is Code.OK
        scheduler.cancel(verdict.ticket)


def test_a_radio_that_went_off_takes_its_queue_with_it(
    scheduler: DownlinkScheduler, clock: ManualClock
) -> None:
    ticket = scheduler.submit(downlink(Immediate())).ticket
    scheduler.anchored(None, None)
    assert [entry.ticket for entry in scheduler.missed()] == [ticket]
    assert scheduler.missed() == []
    assert scheduler.next_due_us() is None
    assert scheduler.submit(downlink(Immediate())).code is Code.INTERNAL
    scheduler.anchored(anchor(clock, session=2), None)
    assert scheduler.submit(downlink(AtCounter(COUNTER + SECOND, 2))).code is Code.OK


def test_class_b_goes_by_gps_time(scheduler: DownlinkScheduler, clock: ManualClock) -> None:
    scheduler.anchored(anchor(clock), GpsReference(counter_us=COUNTER, gps_us=1_000 * SECOND))
    verdict = scheduler.submit(downlink(AtGps(1_003 * SECOND)))
    assert (verdict.code, verdict.start_us) == (Code.OK, COUNTER + 3 * SECOND)


@pytest.mark.parametrize(
    ("pulse_age_us", "error_us", "good"),
    [
        (400_000, 0, True),
        (400_000, 190_000, True),
        (400_000, 210_000, False),
        (2_600_000, 0, False),
        (-1, 0, False),
    ],
)
def test_a_pulse_must_fit_the_time_of_the_host(pulse_age_us: int, error_us: int, good: bool) -> None:
    at = Anchor(counter_us=1_000, monotonic_us=9_000_000, session=1)
    found = reference_of(at, 1_000 - pulse_age_us, 50 * SECOND + pulse_age_us + error_us, 9_000_000)
    assert found == (GpsReference(counter_us=1_000 - pulse_age_us, gps_us=50 * SECOND) if good else None)


def test_beacons_leave_every_128_seconds_of_gps_time_and_guard_their_time(
    scheduler: DownlinkScheduler, clock: ManualClock
) -> None:
    assert scheduler.send_beacons(gateway_info("0016c001f12a3b4c")) is None
    beacon_us = 0xCC020000 * SECOND
    start = clock.now_us
    reference = GpsReference(counter_us=COUNTER, gps_us=beacon_us - 20 * SECOND)
    scheduler.anchored(anchor(clock), reference)
    assert scheduler.send_beacons(bytes(7)) is None
    clock.now_us = start + 12 * SECOND
    verdict = scheduler.send_beacons(bytes.fromhex("00012000008103"))
    assert verdict is not None
    assert (verdict.code, verdict.start_us) == (Code.OK, COUNTER + 20 * SECOND + 1_500)
    assert scheduler.send_beacons(bytes(7)) is None
    ping = downlink(AtGps(beacon_us - 2 * SECOND), frequency_hz=869_525_000)
    assert scheduler.submit(ping).code is Code.COLLISION_BEACON
    assert scheduler.submit(downlink(AtGps(beacon_us + 3 * SECOND), frequency_hz=869_525_000)).code is Code.OK
    entry = scheduler.due(COUNTER + 20 * SECOND - 30_000)
    assert entry is not None
    sent = entry.transmission
    assert sent.power_dbm == 27, "29.15 dBm e.i.r.p. is the limit of the beacon's band"
    assert sent.payload.hex() == "0000000002cca27e00012000008103de55"
    assert (sent.implicit_header, sent.invert_polarity, sent.with_crc, sent.preamble_symbols) == (
        True,
        False,
        False,
        10,
    )
    clock.now_us = start + (20 + 120) * SECOND
    second = scheduler.send_beacons(bytes(7))
    assert second is not None
    assert second.start_us - verdict.start_us == 128 * SECOND


def test_the_gateways_bytes_of_a_beacon() -> None:
    assert gateway_info("0016c001f12a3b4c").hex() == "030000004c3b2a"


@pytest.mark.parametrize(
    ("after", "expected"), [(0, 1_500), (1_500, 128_001_500), (128_000_000, 128_001_500)]
)
def test_the_next_beacon(after: int, expected: int) -> None:
    assert next_beacon_us(after) == expected
