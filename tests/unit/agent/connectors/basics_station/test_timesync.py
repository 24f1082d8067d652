import asyncio
import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.connectors.basics_station.timesync import (
    ASK_SOON_US,
    ASK_US,
    ROUND_TRIP_LIMIT_US,
    Sample,
    answered,
    ask_again_us,
    better,
    pushed,
)
from agent.connectors.basics_station.xtime import xtime_of
from agent.timing.choice import NOT_BEFORE_UTC_US, Readings, choose
from agent.wire.configuration import ConnectorConfig
from agent.wire.messages import TimeQuality
from tests.datapath.station import Gateway, StationServer
from tests.datapath.virtual import data_up

GPS_US = 1_480_000_000_000_000
UTC_US = GPS_US + 315_964_800_000_000 - 18_000_000
YEAR_US = 366 * 86_400_000_000
HOUR_US = 3_600_000_000


@given(st.integers(0, ROUND_TRIP_LIMIT_US), st.floats(0, 1), st.integers(0, 10**12))
def test_utc_is_known_to_half_the_round_trip_however_it_divides(
    round_trip_us: int, share: float, sent_us: int
) -> None:
    there_us = round(round_trip_us * share)
    truth_us = UTC_US - (sent_us + there_us)
    found = answered(sent_us=sent_us, received_us=sent_us + round_trip_us, gps_us=GPS_US, leap_s=18)
    assert found is not None
    assert abs(found.utc_minus_monotonic_us - truth_us) <= found.doubt_us + 1


@pytest.mark.parametrize("gps_us", [0, -5, 1 << 62])
@pytest.mark.parametrize("round_trip_us", [-1, 0, ROUND_TRIP_LIMIT_US + 1])
def test_an_answer_that_is_late_early_or_no_time_is_none(gps_us: int, round_trip_us: int) -> None:
    assert answered(sent_us=0, received_us=round_trip_us, gps_us=gps_us, leap_s=18) is None


def test_a_word_about_our_own_instant_counts_while_that_is_recent() -> None:
    found = pushed(instant_us=5_000_000, received_us=6_000_000, gps_us=GPS_US, leap_s=18)
    assert found is not None
    assert found.utc_minus_monotonic_us == UTC_US - 5_000_000
    assert pushed(instant_us=None, received_us=6_000_000, gps_us=GPS_US, leap_s=18) is None
    assert pushed(instant_us=7_000_000, received_us=6_000_000, gps_us=GPS_US, leap_s=18) is None
    assert pushed(instant_us=0, received_us=HOUR_US, gps_us=GPS_US, leap_s=18) is None


def sample(offset_us: int, doubt_us: int, at_us: int) -> Sample:
    return Sample(utc_minus_monotonic_us=offset_us, doubt_us=doubt_us, at_us=at_us)


def test_the_better_known_wins_until_drift_makes_it_worse_or_the_server_was_set() -> None:
    good = sample(UTC_US, 10_000, 0)
    assert better(None, good) is good
    assert better(good, sample(UTC_US, 50_000, 1_000_000)) is good
    later = sample(UTC_US, 50_000, HOUR_US)
    assert better(good, later) is later, "an hour's drift of 50 ppm is 180 ms"
    stepped = sample(UTC_US + YEAR_US, 50_000, 1_000_000)
    assert better(good, stepped) is stepped


@given(st.integers(-30, 30), st.sampled_from([TimeQuality.NTP, TimeQuality.UNTRUSTED]))
def test_steps_by_years_reach_no_clock_that_has_something_better(years: int, kernel: TimeQuality) -> None:
    stepped = sample(UTC_US + years * YEAR_US, 1_000, 0).reading()
    if stepped.utc_us < NOT_BEFORE_UTC_US:
        with pytest.raises(ValueError, match="before any release"):
            Readings().taking(stepped)
        return
    chosen = choose(kernel, Readings().taking(stepped), 0)
    assert chosen.quality is (TimeQuality.NTP if kernel is TimeQuality.NTP else TimeQuality.LNS)


def test_an_untrusted_clock_asks_soon_until_it_knows() -> None:
    asks = [
        ask_again_us(known=known, quality=quality)
        for known, quality in (
            (False, TimeQuality.UNTRUSTED),
            (True, TimeQuality.LNS),
            (False, TimeQuality.NTP),
        )
    ]
    assert asks == [ASK_SOON_US, ASK_US, ASK_US]


def test_a_gateway_without_a_clock_gets_its_time_from_the_server_and_says_so(tmp_path: Path) -> None:
    async def serve() -> None:
        lns = StationServer(None)
        lns.gps_us = lambda: GPS_US
        server = await lns.start()
        config = ConnectorConfig(
            name="bs", kind="basics_station", host="localhost", port=lns.port, contractual=True
        )
        async with Gateway(tmp_path, config, quality=TimeQuality.UNTRUSTED) as gateway:
            await gateway.until(lambda: gateway.clock.quality() is TimeQuality.LNS)
            assert abs(gateway.clock.utc_us() - UTC_US) < 60_000_000
            gateway.radio.inject(data_up())
            await gateway.until(lambda: lns.of("updf"))
            upinfo = lns.of("updf")[0]["upinfo"]
            assert isinstance(upinfo, dict)
            assert abs(upinfo["rxtime"] - UTC_US / 1e6) < 60
            session = gateway.path._switchboard.session()
            assert lns.traffic is not None
            xtime = xtime_of(gateway.clock.monotonic_us(), session)
            await lns.traffic.send(json.dumps({"msgtype": "timesync", "xtime": xtime, "gpstime": 5}))
            await lns.traffic.send(json.dumps({"msgtype": "timesync", "txtime": 3, "gpstime": GPS_US}))
            await gateway.until(lambda: gateway.path.snapshot().counters.get("bs.timesync_useless") == 1)
            assert gateway.path.snapshot().counters["bs.timesync_refused"] == 1
            assert abs(gateway.clock.utc_us() - UTC_US) < 60_000_000
        server.close()
        await server.wait_closed()

    asyncio.run(serve())


def test_random_answers_never_raise() -> None:
    random = Random(5)
    for _ in range(2_000):
        numbers = [random.randint(-(1 << 63), 1 << 63) for _ in range(3)]
        found = answered(sent_us=numbers[0], received_us=numbers[1], gps_us=numbers[2], leap_s=18)
        assert found is None or found.doubt_us >= 0
