"""The clock follows a virtual GNSS receiver whose pulses a virtual concentrator latches."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from agent.gnss.receiver import GnssTime
from agent.timing.choice import NOT_BEFORE_UTC_US, Reading
from agent.timing.utc import LEAP_SECONDS
from agent.wire import reasons
from agent.wire.messages import TimeQuality
from hal.errors import LineFailed
from hal.gnss.receiver import Receiver
from hal.ports import Concentrator
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
    assert tried.wait(5)
    gnss.stop()
    assert gnss.state().reason == reasons.radio.line_failed(detail="/dev/ttyS9: no such device")
    assert gnss.counts["line_failed"] == 1
