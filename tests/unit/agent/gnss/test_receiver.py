"""The clock follows a virtual GNSS receiver whose pulses a virtual concentrator latches."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.clock import SystemClock
from agent.gnss.pps import Latch, Pulses, Second, discipline
from agent.gnss.receiver import GnssTime
from agent.timing.choice import NOT_BEFORE_UTC_US, Reading
from agent.timing.utc import LEAP_SECONDS, utc_of_gps
from agent.wire import reasons
from agent.wire.messages import TimeQuality
from hal.errors import LineFailed
from hal.gnss import ubx
from hal.gnss.receiver import Receiver
from hal.ports import Concentrator
from tests.golden.files import GOLDEN
from tests.unit.hal.gnss.test_gnss import TwinLine
from tests.unit.hal.sx1302.rigs import Rig, started

BEGIN = datetime(2026, 11, 22, 15, 0, 0, tzinfo=UTC)
SECOND_US = 1_000_000
SAID_US = 100_000


@dataclass
class RigClock:
    """The rig's own time as the host's, and what a source said of UTC."""

    rig: Rig
    readings: list[Reading] = field(default_factory=list)

    def monotonic_us(self) -> int:
        return self.rig.clock.monotonic_us()

    def utc_us(self) -> int:
        return 0

    def quality(self) -> TimeQuality:
        return TimeQuality.UNTRUSTED

    def leap_s(self) -> int:
        return LEAP_SECONDS

    def accept(self, reading: Reading) -> None:
        if reading.utc_us < NOT_BEFORE_UTC_US:
            raise ValueError("before any release")
        self.readings.append(reading)


@dataclass
class Mast:
    """A receiver on a mast and the agent's thread, turned by hand."""

    rig: Rig
    clock: RigClock
    line: TwinLine
    receiver: Receiver
    gnss: GnssTime
    first_edge_us: int

    def hear(self, begin: datetime, seconds: int) -> None:
        """Let the receiver say ``seconds`` seconds, each behind its pulse."""
        for second in range(seconds):
            due_us = self.first_edge_us + second * SECOND_US + SAID_US
            self.rig.clock.sleep(max(due_us - self.rig.driver.counter_us(), 0) / SECOND_US)
            self.line.waiting += self.line.receiver.second(begin + timedelta(seconds=second))
            for _ in range(4):
                self.gnss.turn(self.receiver)

    def error_us(self, begin: datetime) -> int:
        """How far the last reading is from the truth of the chip's counter."""
        reading = self.clock.readings[-1]
        counter_minus_monotonic_us = self.rig.driver.counter_us() - self.rig.clock.monotonic_us()
        truth = round(begin.timestamp()) * SECOND_US - self.first_edge_us + counter_minus_monotonic_us
        return reading.utc_minus_monotonic_us - truth


def mast(on_radio: Callable[[Rig], Callable[..., "Future[Any]"]] | None = None) -> Mast:
    rig = started()
    clock, line = RigClock(rig), TwinLine()

    def ask(job: Callable[[Concentrator], Any]) -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_result(job(rig.driver))
        return future

    gnss = GnssTime(open_line=lambda: line, clock=clock, on_radio=ask if on_radio is None else on_radio(rig))
    receiver = Receiver(line)
    receiver.start()
    edge_us = (rig.driver.counter_us() // SECOND_US + 1) * SECOND_US
    return Mast(rig, clock, line, receiver, gnss, edge_us)


def test_utc_is_that_of_the_pulse() -> None:
    made = mast()
    made.hear(BEGIN, 12)
    assert abs(made.error_us(BEGIN)) < 100
    assert made.gnss.state().pps
    assert made.gnss.state().satellites == 9
    assert len(made.clock.readings) == 1 + 11 // 5


def test_a_receiver_that_speaks_nmea_only_gives_utc_by_rmc_and_the_pulse() -> None:
    made = mast()
    made.line.receiver.timegps_enabled = False
    made.hear(BEGIN, 12)
    assert abs(made.error_us(BEGIN)) < 100
    state = made.gnss.state()
    assert (state.fix, state.pps, state.satellites) == (True, True, 9)
    position = state.position()
    assert position is not None
    assert (round(position.latitude_deg, 4), position.altitude_m) == (47.3946, 78.0)


def test_the_receiver_of_the_case_has_a_fix() -> None:
    made, case = mast(), GOLDEN / "cases" / "14-gnss-nmea-only" / "l76k.nmea"
    made.line.receiver.timegps_enabled = False
    made.line.waiting = case.read_bytes().replace(b"\n", b"\r\n")
    made.gnss.turn(made.receiver)
    made.gnss.turn(made.receiver)
    assert made.gnss.state().fix
    assert made.receiver.time is not None
    utc_us = utc_of_gps(made.receiver.time.gps_us, LEAP_SECONDS)
    assert datetime.fromtimestamp(utc_us / 1e6, UTC) == datetime(2026, 11, 23, 10, 15, 34, tzinfo=UTC)


def said_by_ubx(utc: datetime, leap_s: int, valid: int) -> ubx.GpsTime:
    gps = utc - datetime(1980, 1, 6, tzinfo=UTC) + timedelta(seconds=leap_s)
    week, rest = divmod(gps, timedelta(weeks=1))
    payload = ubx.TIMEGPS.pack(rest // timedelta(milliseconds=1), 0, week, leap_s, valid, 20)
    time = ubx.decode_time_gps(payload)
    assert time is not None
    return time


@pytest.mark.parametrize("leap_s", [17, 18, 19])
@pytest.mark.parametrize("wired", [True, False])
def test_utc_is_gps_time_minus_the_receiver_s_leap_seconds(leap_s: int, wired: bool) -> None:
    utc, clock = datetime(2029, 1, 1, 0, 0, 5, tzinfo=UTC), SystemClock()
    latch = Latch(counter_us=5_300_000, monotonic_us=10_300_000, pps_counter_us=5_000_000) if wired else None
    time = said_by_ubx(utc, leap_s, valid=7)
    second = Second(gps_us=time.gps_us, arrived_us=10_300_000, leap_s=time.leap_s)
    pulses, reading, _ = discipline(Pulses(), second, latch)
    assert reading is not None
    begun_us = 10_000_000 + reading.utc_minus_monotonic_us
    assert datetime.fromtimestamp(begun_us / 1e6, UTC) == utc
    clock.accept(reading)
    assert clock.leap_s() == leap_s
    unknown = Second(gps_us=time.gps_us + 5 * SECOND_US, arrived_us=15_300_000)
    next_latch = Latch(counter_us=10_300_000, monotonic_us=15_300_000, pps_counter_us=10_000_000)
    _, held, _ = discipline(pulses, unknown, next_latch if wired else None)
    assert held is not None
    assert held.utc_minus_monotonic_us == reading.utc_minus_monotonic_us, "the last leap seconds hold"


@pytest.mark.parametrize(
    ("after_us", "became"), [(0, "no_pulse"), (1, "first"), (950_000, "first"), (950_001, "no_pulse")]
)
def test_a_message_speaks_of_the_pulse_up_to_950_ms_before_it(after_us: int, became: str) -> None:
    latch = Latch(counter_us=7_000_000, monotonic_us=20_000_000, pps_counter_us=6_000_000)
    assert latch.pps_us == 19_000_000
    second = Second(gps_us=1_479_000_000 * SECOND_US, arrived_us=latch.pps_us + after_us)
    pulses, reading, what = discipline(Pulses(), second, latch)
    assert reading is not None
    assert (what, pulses.present, reading.exact) == (became, became == "first", became == "first")


@pytest.mark.parametrize("leap_s", [-3, 61])
def test_leap_seconds_that_no_receiver_can_know_are_not_believed(leap_s: int) -> None:
    second = Second(gps_us=1_480_000_000_000_000, arrived_us=0, leap_s=leap_s)
    assert discipline(Pulses(), second, None)[0].leap_s == LEAP_SECONDS


def test_while_the_radio_is_away_the_message_gives_utc() -> None:
    def away(_rig: Rig) -> Callable[..., "Future[Any]"]:
        def ask(_job: Callable[[Concentrator], Any]) -> "Future[Any]":
            future: Future[Any] = Future()
            future.set_exception(LineFailed("the radio is off"))
            return future

        return ask

    made = mast(away)
    made.hear(BEGIN, 1)
    assert abs(made.error_us(BEGIN)) < 500_000
    assert made.gnss.state().fix
    assert not made.gnss.state().pps
    assert made.gnss.counts["radio_away"] == 1


def test_a_message_of_another_second_moves_nothing() -> None:
    made = mast()
    made.hear(BEGIN, 6)
    made.first_edge_us += 6 * SECOND_US
    before = made.clock.readings[-1]
    made.hear(BEGIN + timedelta(hours=1), 5)
    assert made.gnss.counts["aberrant"] == 1
    assert made.clock.readings[-1] == before


def test_a_receiver_that_lives_1024_weeks_ago_is_refused() -> None:
    made = mast()
    made.hear(BEGIN - timedelta(weeks=1024), 1)
    assert not made.clock.readings
    assert made.gnss.counts["refused"] == 1
    assert "before any release" in str(made.gnss.state().reason)


def test_without_a_fix_there_is_no_reading() -> None:
    made = mast()
    made.line.receiver.faults.no_fix = True
    made.hear(BEGIN, 2)
    assert not made.clock.readings
    assert not made.gnss.state().fix


def test_a_line_that_is_missing_is_a_reason() -> None:
    tried = threading.Event()

    def missing() -> TwinLine:
        tried.set()
        raise LineFailed("no such device", where="/dev/ttyS9")

    gnss = GnssTime(open_line=missing, clock=RigClock(started()), on_radio=lambda job: Future())
    gnss.start()
    assert tried.wait(60)
    gnss.stop()
    assert gnss.state().reason == reasons.radio.line_failed(detail="/dev/ttyS9: no such device")
    assert gnss.counts["line_failed"] == 1
