"""The server's own time, as its MuxTime said it, and the instant of our radio that it asks for."""

import json
from collections import Counter
from types import SimpleNamespace

import pytest

from agent.connectors.basics_station.server_time import ServerTime
from agent.connectors.basics_station.timesync import ASK_SOON_US, ASK_US, ROUND_TRIP_LIMIT_US
from agent.connectors.basics_station.xtime import xtime_of
from agent.timing.choice import Reading
from agent.timing.utc import gps_of_utc
from agent.wire.beat import TimeQuality

NOW_US = 5_000_000
UTC_US = 1_795_000_000_000_000
LEAP_S = 18
SESSION = 3
ORIGIN_US = 1_000_000
"""Monotonic instant of our radio's counter 0."""


class Host:
    """What a connector asks of the gateway: its clock, and its radio's counter."""

    def __init__(self) -> None:
        self.given: list[Reading] = []
        self.trusted, self.radio = TimeQuality.UNTRUSTED, True
        self.clock = SimpleNamespace(
            quality=lambda: self.trusted, leap_s=lambda: LEAP_S, utc_us=lambda: UTC_US, accept=self.accept
        )

    def accept(self, reading: Reading) -> None:
        if reading.utc_us < 0:
            raise ValueError("before any release")
        self.given.append(reading)

    def session(self) -> int:
        return SESSION

    def monotonic_of(self, counter_us: int) -> int | None:
        return ORIGIN_US + counter_us if self.radio else None


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def counts() -> "Counter[str]":
    return Counter()


@pytest.fixture
def time(host, counts):
    return ServerTime(host, counts, lambda name, error: counts.update([name]))


def test_its_time_goes_on_from_what_it_last_said_until_it_connects_again(time):
    assert time.ref_time_s(NOW_US) == 0.0
    time.mux_received(1_000.25, NOW_US)
    assert time.ref_time_s(NOW_US) == 1_000.25
    assert time.ref_time_s(NOW_US + 1_500_000) == 1_001.75
    time.mux_received(7.0, NOW_US + 2_000_000)
    assert time.ref_time_s(NOW_US + 2_000_000) == 7.0
    time.connected()
    assert time.ref_time_s(NOW_US + 3_000_000) == 0.0


@pytest.mark.parametrize(
    ("quality", "wait_us"),
    [(TimeQuality.UNTRUSTED, ASK_SOON_US), (TimeQuality.LNS, ASK_SOON_US), (TimeQuality.NTP, ASK_US)],
)
def test_it_is_asked_at_once_and_again_sooner_where_time_is_needed(time, host, quality, wait_us):
    host.trusted = quality
    assert json.loads(time.question(NOW_US))["txtime"] == NOW_US
    assert time.question(NOW_US + wait_us - 1) is None
    assert time.question(NOW_US + wait_us) is not None


def answer(**fields):
    return json.dumps({"msgtype": "timesync"} | fields).encode()


def test_an_answer_is_believed_once_and_lies_in_the_middle_of_its_round_trip(time, host, counts):
    time.question(NOW_US)
    message = answer(txtime=NOW_US, gpstime=gps_of_utc(UTC_US, LEAP_S))
    time.answer_received(message, NOW_US + 40_000)
    (reading,) = host.given
    assert reading.utc_minus_monotonic_us == UTC_US - (NOW_US + 20_000)
    assert counts["timesync_round_trip_us"] == 40_000
    time.answer_received(message, NOW_US + 50_000)
    assert (len(host.given), counts["timesync_useless"]) == (1, 1)
    assert time.question(NOW_US + ASK_US - 1) is None or host.trusted is TimeQuality.UNTRUSTED


def test_an_answer_that_came_too_late_is_useless(time, host, counts):
    time.question(NOW_US)
    message = answer(txtime=NOW_US, gpstime=gps_of_utc(UTC_US, LEAP_S))
    time.answer_received(message, NOW_US + ROUND_TRIP_LIMIT_US + 1)
    assert (host.given, counts["timesync_useless"]) == ([], 1)


@pytest.mark.parametrize(
    ("radio", "session", "believed"), [(True, SESSION, 1), (False, SESSION, 0), (True, SESSION + 1, 0)]
)
def test_what_it_says_of_an_instant_of_our_radio_is_believed_for_our_session_only(
    time, host, counts, radio, session, believed
):
    host.radio = radio
    xtime = xtime_of(NOW_US - ORIGIN_US, session)
    time.answer_received(answer(xtime=xtime, gpstime=gps_of_utc(UTC_US, LEAP_S)), NOW_US)
    assert [one.utc_minus_monotonic_us for one in host.given] == [UTC_US - NOW_US] * believed
    assert counts["timesync_useless"] == 1 - believed


@pytest.mark.parametrize(
    ("radio", "mux_s", "xtime"), [(True, 12.5, xtime_of(NOW_US - ORIGIN_US, SESSION)), (False, None, 0)]
)
def test_its_question_is_answered_with_all_our_clocks(time, host, radio, mux_s, xtime):
    host.radio = radio
    assert json.loads(time.xtime_answer(mux_s, NOW_US)) == {
        "msgtype": "getxtime",
        "MuxTime": mux_s or 0.0,
        "ustime": NOW_US / 1_000_000,
        "UTCtime": UTC_US / 1_000_000,
        "xtimes": [xtime],
    }
