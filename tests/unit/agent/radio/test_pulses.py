"""Frames are dated by the latch of the PPS, to a microsecond, whatever the host's clocks do."""

from dataclasses import dataclass, field
from random import Random

import pytest

from agent.radio.thread import FramesReceived, RadioThread
from agent.timing.utc import utc_of_gps
from agent.wire.messages import TimeQuality
from hal.units import Micros
from tests.datapath.virtual import ManualClock, VirtualConcentrator, data_up, received
from tests.unit.agent.radio.test_thread import Bench

SECOND_US = 1_000_000
BEGIN_GPS_US = 1_479_000_000_000_000


@dataclass
class PulsedChip(VirtualConcentrator):
    """Its counter runs ``ppm`` too fast and latches a pulse at every whole second of GPS time."""

    ppm: float = 0.0
    pulses: bool = True
    latched_us: int = 0

    def counter_at_gps(self, gps_us: float) -> int:
        return round((gps_us - BEGIN_GPS_US) * (1 + self.ppm / 1e6))

    def counter_us(self) -> Micros:
        return Micros(self.counter_at_gps(self.clock.true_gps_us))

    def trigger_counter_us(self) -> Micros:
        if self.pulses:
            self.latched_us = self.counter_at_gps(self.clock.true_gps_us // SECOND_US * SECOND_US)
        return Micros(self.latched_us)


@dataclass
class UnsteadyClock(ManualClock):
    """A host whose clocks are read late by up to ``delay_us``; GNSS disciplines it."""

    delay_us: int = 5_000
    seed: Random = field(default_factory=lambda: Random(7))
    trusted: TimeQuality = TimeQuality.GNSS

    @property
    def true_gps_us(self) -> int:
        return BEGIN_GPS_US + self.now_us

    def monotonic_us(self) -> int:
        return self.now_us

    def utc_us(self) -> int:
        return utc_of_gps(self.true_gps_us, self.leap_s()) + self.seed.randrange(self.delay_us)


def pulsed(ppm: float) -> tuple[Bench, PulsedChip]:
    bench = Bench()
    bench.clock = UnsteadyClock()
    bench.chip = PulsedChip(bench.clock, ppm=ppm)
    bench.thread = RadioThread(
        concentrator=bench.chip, clock=bench.clock, transmissions=bench.queue, report=bench.events.append
    )
    return bench, bench.chip


def errors_us(bench: Bench, chip: PulsedChip, *, frames: int, apart_us: int) -> list[int | None]:
    """Receive frames and return how far the GPS time of each is from the truth."""
    found: list[int | None] = []
    for _ in range(frames):
        bench.run(apart_us)
        bench.events.clear()
        truth_us = chip.clock.true_gps_us
        chip.frames.append(received(data_up(), chip.counter_us()))
        bench.run(25_000)
        fetched = next(event for event in bench.events if isinstance(event, FramesReceived))
        gps_us = fetched.gps_us(fetched.frames[0][0])
        found.append(None if gps_us is None else gps_us - truth_us)
    return found


@pytest.mark.parametrize("ppm", [0.0, 9.0, -9.0])
def test_the_pulse_dates_frames_to_a_microsecond_whatever_the_host_does(ppm: float) -> None:
    bench, chip = pulsed(ppm)
    bench.run(20_000_000)
    errors = errors_us(bench, chip, frames=40, apart_us=373_131)
    assert None not in errors
    assert max(abs(error) for error in errors if error is not None) <= 1


def test_a_pulse_that_is_lost_dates_frames_for_30_seconds_more() -> None:
    bench, chip = pulsed(9.0)
    bench.run(20_000_000)
    chip.pulses = False
    errors = errors_us(bench, chip, frames=2, apart_us=12_000_000)
    assert all(error is not None and abs(error) <= 5 for error in errors)
    assert errors_us(bench, chip, frames=1, apart_us=10_000_000) == [None]


def test_without_gnss_time_no_pulse_dates_a_frame() -> None:
    bench, chip = pulsed(0.0)
    bench.clock.trusted = TimeQuality.NTP
    bench.run(5_000_000)
    assert errors_us(bench, chip, frames=1, apart_us=1_000_000) == [None]
