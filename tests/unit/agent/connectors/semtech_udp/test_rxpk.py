"""Records to rxpk: fields, times, FSK; judged by an independent codec too."""

import json

import pytest

from agent.connectors.dating import reception_of
from agent.connectors.reception import Reception
from agent.connectors.semtech_udp.rxpk import LATEST_UTC_US, Statistics, iso_time, rxpk, stat
from agent.observation import Position
from agent.timing.utc import utc_of_gps
from agent.wire.messages import TimeQuality
from tests.datapath.virtual import JUNE_2024_US, ManualClock, data_up, record

AT = Reception(utc_us=JUNE_2024_US, quality=TimeQuality.NTP, age_us=0)


def fields(reception: Reception = AT, **changes: object) -> dict[str, object]:
    made = record(1, data_up(), monotonic_us=3_512_348_611, **changes)
    return json.loads(rxpk(made, reception))


def test_a_lora_frame_has_every_field() -> None:
    assert fields() == {
        "jver": 1,
        "time": "2024-06-01T00:00:00.000000Z",
        "tmms": 1_401_235_218_000,
        "tmst": 3_512_348_611,
        "chan": 2,
        "rfch": 0,
        "mid": 0,
        "freq": 868.1,
        "stat": 1,
        "modu": "LORA",
        "datr": "SF7BW125",
        "codr": "4/5",
        "lsnr": 7.2,
        "rssi": -80,
        "rssis": -82,
        "foff": 0,
        "size": 18,
        "data": "QNobASYAAQABaGVsbG8AAAAA",
    }


def test_a_stored_frame_is_marked_late_and_a_live_one_is_not() -> None:
    at = Reception(utc_us=JUNE_2024_US, quality=TimeQuality.NTP, age_us=61_000_000)
    late = json.loads(rxpk(record(5), at, late=True))
    assert late.pop("meta") == {"late": "1", "hold_ms": "61000", "stored_seq": "5"}
    assert late == json.loads(rxpk(record(5), at))


def test_without_trusted_time_no_time_is_claimed() -> None:
    made = fields(Reception(utc_us=JUNE_2024_US, quality=TimeQuality.UNTRUSTED, age_us=None))
    assert "time" not in made
    assert "tmms" not in made


@pytest.mark.parametrize("utc_us", [-1, LATEST_UTC_US + 1])
def test_an_absurd_time_is_left_out(utc_us: int) -> None:
    assert "time" not in fields(Reception(utc_us=utc_us, quality=TimeQuality.NTP, age_us=None))


def test_fsk_has_a_number_and_no_snr() -> None:
    made = fields(sf=0, rate=50_000)
    assert (made["modu"], made["datr"]) == ("FSK", 50_000)
    assert not {"lsnr", "rssis", "foff"} & set(made), "the reference sends them for LoRa only"
    assert "codr" not in made


def test_fine_time_and_missing_coding_rate() -> None:
    made = fields(fine_ns=123_456_789, coding_rate=0, crc_checked=False)
    assert (made["ftime"], made["codr"], made["stat"]) == (123_456_789, "OFF", 0)


def test_statistics() -> None:
    text = stat(
        Statistics(
            utc_us=JUNE_2024_US,
            rxnb=3,
            rxok=2,
            rxfw=2,
            ackr_percent=99.96,
            dwnb=1,
            txnb=1,
            temperature_c=21.04,
        )
    )
    assert json.loads(text) == {
        "time": "2024-06-01 00:00:00 GMT",
        "rxnb": 3,
        "rxok": 2,
        "rxfw": 2,
        "ackr": 100.0,
        "dwnb": 1,
        "txnb": 1,
        "temp": 21.0,
    }


@pytest.mark.parametrize(("altitude_m", "alti"), [(84.6, 85), (None, None)])
def test_statistics_have_the_position_of_a_fix(altitude_m: float | None, alti: int | None) -> None:
    tours = Position(latitude_deg=47.4106001, longitude_deg=0.7988, altitude_m=altitude_m)
    numbers = {"rxnb": 0, "rxok": 0, "rxfw": 0, "ackr_percent": 100.0, "dwnb": 0, "txnb": 0}
    made = json.loads(stat(Statistics(utc_us=JUNE_2024_US, position=tours, **numbers)))
    assert (made["lati"], made["long"], made.get("alti")) == (47.4106, 0.7988, alti)


def test_a_frame_from_before_the_time_was_known_gets_its_true_time_later() -> None:
    heard = record(1, monotonic_us=1_000_000, time_quality=0, received_at_us=17)
    clock = ManualClock(now_us=61_000_000)
    assert reception_of(heard, clock, boot=1) == Reception(
        utc_us=JUNE_2024_US + 1_000_000, quality=TimeQuality.NTP, age_us=60_000_000
    )


@pytest.mark.parametrize(
    ("stored", "present", "age_us"),
    [
        (TimeQuality.NTP, TimeQuality.GNSS, 61_000_000 - 1_000_000),
        (TimeQuality.UNTRUSTED, TimeQuality.NTP, None),
        (TimeQuality.NTP, TimeQuality.UNTRUSTED, None),
    ],
)
def test_a_frame_of_another_boot_keeps_its_stored_time(
    stored: TimeQuality, present: TimeQuality, age_us: int | None
) -> None:
    heard = record(1, monotonic_us=1_000_000, time_quality=int(stored))
    clock = ManualClock(now_us=61_000_000, trusted=present)
    assert reception_of(heard, clock, boot=2) == Reception(
        utc_us=JUNE_2024_US + 1_000_000, quality=stored, age_us=age_us
    )


@pytest.mark.parametrize("boot", [1, 2])
@pytest.mark.parametrize("leap_s", [18, 19])
def test_a_frame_that_the_pulse_dated_keeps_its_time_to_the_microsecond(boot: int, leap_s: int) -> None:
    gps_us = 1_479_000_000_123_456
    utc_us = utc_of_gps(gps_us, leap_s)
    late = ManualClock(now_us=61_000_003, offset_us=JUNE_2024_US + 4_567, trusted=TimeQuality.NTP)
    dated = record(
        1, monotonic_us=1_000_000, gps_us=gps_us, received_at_us=utc_us, time_quality=int(TimeQuality.GNSS)
    )
    reception = reception_of(dated, late, boot=boot)
    assert (reception.utc_us, reception.gps_us, reception.quality) == (utc_us, gps_us, TimeQuality.GNSS)
    made = json.loads(rxpk(dated, reception))
    assert (made["time"], made["tmms"]) == (iso_time(utc_us), gps_us // 1000)


@pytest.mark.parametrize(
    ("utc_us", "time"),
    [
        (-1, "1970-01-01 00:00:00 GMT"),
        (0, "1970-01-01 00:00:00 GMT"),
        (LATEST_UTC_US, "9999-12-31 23:59:59 GMT"),
        (2 * LATEST_UTC_US, "9999-12-31 23:59:59 GMT"),
    ],
)
def test_statistics_with_an_absurd_clock_have_the_nearest_time_that_can_be_written(
    utc_us: int, time: str
) -> None:
    statistics = Statistics(
        utc_us=utc_us, rxnb=0, rxok=0, rxfw=0, ackr_percent=0.0, dwnb=0, txnb=0, temperature_c=None
    )
    assert json.loads(stat(statistics))["time"] == time
