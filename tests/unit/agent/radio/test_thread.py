"""One turn of the radio at a time, on a clock that the test moves."""

from random import Random

import pytest

from agent.downlink.jit import Entry, EntryKind
from agent.radio.pace import ALERT_INTERVAL_US, ALERT_WINDOW_US
from agent.radio.recovery import FORGIVEN_AFTER_US, Ladder, RestartRequested, Step, came_up, failed
from agent.radio.suspicion import HARMLESS_SILENCE_US, Suspicion
from agent.radio.thread import (
    STATUS_INTERVAL_US,
    FramesReceived,
    RadioChanged,
    RadioEvent,
    RadioThread,
    Recovering,
    Sent,
)
from agent.timing.timebase import Anchor, unroll
from agent.wire import reasons
from agent.wire.messages import Radio
from hal.errors import ChipMisbehaved, LineFailed, OurMistake
from hal.fault import Fault, FaultKind
from hal.packets import Crc, Lora, Transmission, TxState, TxTrigger
from hal.units import Hz, Micros
from tests.datapath.virtual import ManualClock, VirtualConcentrator, data_up


class OneEntry:
    def __init__(self) -> None:
        self.entry: Entry | None = None
        self.anchor: Anchor | None = None

    @property
    def waiting(self) -> bool:
        return self.entry is not None

    def due(self, counter_us: int) -> Entry | None:
        taken, self.entry = self.entry, None
        return taken

    def next_due_us(self) -> int | None:
        return None if self.entry is None else self.entry.start_us

    def anchored(self, anchor: Anchor | None, gps: object) -> None:
        self.anchor = anchor


class Bench:
    def __init__(self, make_chip: type[VirtualConcentrator] = VirtualConcentrator, eui: str = "") -> None:
        self.clock = ManualClock()
        self.chip = make_chip(self.clock)
        self.queue = OneEntry()
        self.events: list[RadioEvent] = []
        self.thread = RadioThread(
            concentrator=self.chip,
            clock=self.clock,
            transmissions=self.queue,
            report=self.events.append,
            eui=eui,
        )

    def run(self, duration_us: int) -> int:
        """Turn until the time is over; return how often."""
        end_us, turns = self.clock.now_us + duration_us, 0
        while self.clock.now_us < end_us:
            due_us = self.thread.turn()
            turns += 1
            self.clock.now_us = min(max(due_us, self.clock.now_us + 1), end_us)
        return turns

    def changes(self) -> list[tuple[Radio, int]]:
        return [(e.radio, e.since_us) for e in self.events if isinstance(e, RadioChanged)]


def entry(start_us: int) -> Entry:
    transmission = Transmission(
        payload=b"x",
        modulation=Lora(sf=7),
        frequency_hz=Hz(868_100_000),
        power_dbm=14,
        trigger=TxTrigger.TIMESTAMPED,
        at_us=Micros(start_us),
    )
    return Entry(
        ticket=1, kind=EntryKind.CLASS_A, start_us=start_us, airtime_us=30_000, transmission=transmission
    )


def test_frames_come_out_with_the_instant_of_their_end() -> None:
    bench = Bench()
    bench.thread.turn()
    heard_us = bench.chip.inject(data_up())
    bench.clock.now_us += 7_000
    bench.thread.turn()
    heard = next(event for event in bench.events if isinstance(event, FramesReceived))
    assert [at_us for _, at_us in heard.frames] == [heard_us]
    assert heard.session == 1


def test_an_idle_second_costs_at_most_50_turns_and_100_calls() -> None:
    bench = Bench()
    bench.run(1_000_000)
    bench.chip.calls = 0
    assert bench.run(10_000_000) <= 500
    assert bench.chip.calls <= 1_000


def test_a_radio_that_is_deaf_is_found_and_dated_back_to_its_last_proof() -> None:
    bench = Bench()
    bench.run(STATUS_INTERVAL_US + 1_000_000)
    bench.chip.inject(data_up())
    bench.run(100_000)
    proof_us = next(e for e in bench.events if isinstance(e, FramesReceived)).frames[0][1]
    bench.chip.fault = Fault(FaultKind.CONFIGURATION_LOST, 0x0B)
    bench.run(STATUS_INTERVAL_US)
    radio, since_us = bench.changes()[1]
    assert radio is Radio.DEAF
    assert proof_us <= since_us < proof_us + 20_001
    assert next(e.step for e in bench.events if isinstance(e, Recovering)) is Step.RESTART_RX


def test_a_counter_that_stands_still_is_found_within_seconds() -> None:
    bench = Bench()
    bench.run(2_000_000)
    bench.chip.frozen_at_us = bench.clock.now_us
    bench.run(3_000_000)
    assert bench.changes()[1][0] is Radio.DEAF


def test_a_line_that_fails_is_off_and_recovered_by_the_ladder() -> None:
    bench = Bench()
    bench.run(100_000)
    bench.chip.failure = LineFailed("no answer", where="/dev/spidev0.0")
    bench.run(200_000_000)
    steps = [e.step for e in bench.events if isinstance(e, Recovering)]
    assert steps[:4] == [Step.RESTART_RX, Step.RESET, Step.RESET, Step.EXHAUSTED]
    assert set(steps[4:]) == {Step.RESET}
    assert len(steps) <= 8
    assert bench.queue.anchor is None
    bench.chip.failure = None
    bench.run(61_000_000)
    assert bench.changes()[-1][0] is Radio.RECEIVING
    assert bench.queue.anchor is not None
    assert bench.queue.anchor.session == 2


def test_a_transmission_is_programmed_and_followed_to_the_air() -> None:
    bench = Bench()
    bench.thread.turn()
    bench.queue.entry = entry(bench.clock.now_us + 40_000)
    bench.run(100_000)
    assert [sent.payload for sent in bench.chip.sent] == [b"x"]
    assert [(e.ok, e.entry.ticket) for e in bench.events if isinstance(e, Sent)] == [(True, 1)]


def test_a_transmission_that_the_chip_refuses_is_our_mistake_and_nothing_else_stops() -> None:
    bench = Bench()
    bench.thread.turn()

    def refuse(_: Transmission) -> None:
        raise OurMistake("out of range", where="frequency_hz")

    bench.chip.transmit = refuse  # type: ignore[method-assign]
    bench.queue.entry = entry(bench.clock.now_us + 40_000)
    bench.run(100_000)
    assert [(e.ok, e.reason) for e in bench.events if isinstance(e, Sent)] == [
        (False, reasons.radio.request_refused(detail="frequency_hz: out of range"))
    ]
    assert bench.changes()[-1][0] is Radio.RECEIVING


def test_a_transmission_that_was_blocked_is_no_transmission() -> None:
    bench = Bench()
    bench.thread.turn()
    bench.chip.tx = TxState.BLOCKED
    bench.queue.entry = entry(bench.clock.now_us + 40_000)
    bench.run(100_000)
    assert [(e.ok, e.blocked, e.reason) for e in bench.events if isinstance(e, Sent)] == [
        (False, True, reasons.downlink.channel_occupied())
    ]


def test_what_was_being_sent_when_the_radio_failed_is_told() -> None:
    bench = Bench()
    bench.thread.turn()
    bench.queue.entry = entry(bench.clock.now_us + 40_000)
    bench.thread.turn()
    bench.chip.failure = ChipMisbehaved("parity", where="agc")
    bench.run(10_000)
    assert [e.ok for e in bench.events if isinstance(e, Sent)] == [False]


def test_closing_stops_the_radio_even_when_it_fails() -> None:
    bench = Bench()
    bench.thread.turn()
    bench.thread.close()
    bench.thread.close()
    assert (bench.chip.stopped, bench.chip.running) == (1, False)


def test_a_frame_at_two_a_second_waits_five_milliseconds_on_average_and_quiet_costs_50_turns() -> None:
    bench = Bench()
    bench.thread.turn()
    waits_us = []
    for number in range(40):
        bench.run(500_000 + 777 * number)
        heard_us = bench.chip.inject(data_up())
        while bench.chip.frames:
            bench.clock.now_us = bench.thread.turn()
        waits_us.append(bench.clock.now_us - ALERT_INTERVAL_US - heard_us)
    assert max(waits_us[1:]) <= ALERT_INTERVAL_US
    assert sum(waits_us[1:]) / len(waits_us[1:]) <= 7_500
    bench.run(ALERT_WINDOW_US + 1_000_000)
    assert bench.run(1_000_000) <= 50


def test_a_restart_that_is_asked_for_happens_at_once_and_climbs_no_ladder() -> None:
    bench = Bench()
    for _ in range(10):
        bench.run(100_000)
        bench.chip.failure = RestartRequested(reasons.radio.rebuilt())
        assert bench.thread.turn() == bench.clock.now_us
        bench.chip.failure = None
        bench.thread.turn()
        assert bench.chip.running
    assert {event.step for event in bench.events if isinstance(event, Recovering)} == {Step.RESTART_RX}
    assert Radio.DEAF not in {radio for radio, _ in bench.changes()}


def test_a_radio_that_worked_for_ten_minutes_starts_the_ladder_again() -> None:
    ladder = came_up(Ladder(failures=3), 0)
    assert failed(ladder, FORGIVEN_AFTER_US - 1)[1] is Step.EXHAUSTED
    assert failed(ladder, FORGIVEN_AFTER_US)[1:] == (Step.RESTART_RX, 0)


@pytest.mark.parametrize(
    ("tmst", "near", "expected"), [(0, 0, 0), (5, (1 << 32) - 3, (1 << 32) + 5), (1 << 31, 0, -(1 << 31))]
)
def test_unroll(tmst: int, near: int, expected: int) -> None:
    assert unroll(tmst, near) == expected


class LoadedChip(VirtualConcentrator):
    """A counter that is read on a loaded host: the thread waits before and after, at times for a second."""

    random = Random(12)

    def counter_us(self) -> Micros:
        self._wait()
        counter_us = super().counter_us()
        self._wait()
        return counter_us

    def _wait(self) -> None:
        assert isinstance(self.clock, ManualClock)
        if self.random.random() < 0.2:
            self.clock.now_us += round(self.random.expovariate(1 / 150_000))


def test_a_loaded_host_resets_no_radio_in_a_day() -> None:
    bench = Bench(LoadedChip)
    end_us = bench.clock.now_us + 86_400_000_000
    while bench.clock.now_us < end_us:
        due_us = bench.thread.turn()
        late_us = round(bench.chip.random.expovariate(1 / 300_000))
        bench.clock.now_us = max(due_us, bench.clock.now_us + 1) + late_us
    assert [radio for radio, _ in bench.changes()] == [Radio.RECEIVING]
    assert bench.thread.suspicion.overruled == 0


@pytest.mark.parametrize(
    ("slip_us", "suspect"), [(110_000 + 2 * 50_000, False), (110_000 + 2 * 50_000 + 1, True)]
)
def test_a_counter_is_suspect_beyond_what_both_readings_can_err(slip_us: int, suspect: bool) -> None:
    last = Anchor(counter_us=0, monotonic_us=0, session=1, doubt_us=50_000)
    anchor = Anchor(counter_us=1_000_000 - slip_us, monotonic_us=1_000_000, session=1, doubt_us=50_000)
    assert (Suspicion().counter(last, anchor) is not None) is suspect


def test_a_counter_that_slipped_while_frames_came_is_only_read_anew() -> None:
    bench = Bench()
    bench.run(2_000_000)
    bench.chip.frozen_at_us = bench.clock.now_us - 700_000
    bench.chip.inject(data_up())
    bench.run(900_000)
    assert [radio for radio, _ in bench.changes()] == [Radio.RECEIVING]
    assert bench.thread.suspicion.overruled == 1


STUCK = Fault(FaultKind.AGC_STUCK, 0x14)


def test_a_board_that_hears_is_not_started_again_for_what_it_says_of_itself() -> None:
    bench = Bench()
    bench.chip.fault = STUCK
    for _ in range(20):
        bench.chip.inject(data_up())
        bench.run(STATUS_INTERVAL_US - 1_000_000)
    bench.run(HARMLESS_SILENCE_US - 2 * STATUS_INTERVAL_US)
    assert [radio for radio, _ in bench.changes()] == [Radio.RECEIVING]
    bench.run(3 * STATUS_INTERVAL_US)
    assert bench.changes()[1][0] is Radio.DEAF


def test_frames_with_a_wrong_crc_prove_nothing() -> None:
    bench = Bench()
    bench.chip.fault = STUCK
    for _ in range(20):
        bench.chip.inject(data_up(), crc=Crc.BAD)
        bench.run(1_000_000)
    assert bench.changes()[1][0] is Radio.DEAF


def test_reception_does_not_overrule_a_lost_configuration() -> None:
    bench = Bench()
    bench.chip.fault = Fault(FaultKind.CONFIGURATION_LOST, 0x0B)
    for _ in range(20):
        bench.chip.inject(data_up())
        bench.run(1_000_000)
    assert bench.changes()[1][0] is Radio.DEAF


@pytest.mark.parametrize(
    ("chip_eui", "radio"),
    [
        ("0016c001f12a3b4c", Radio.RECEIVING),
        ("0016C001F12A3B4C", Radio.RECEIVING),
        ("0" * 16, Radio.RECEIVING),
        ("0016c001ffffffff", Radio.OFF),
    ],
)
def test_a_board_of_another_gateway_is_refused_by_name(chip_eui: str, radio: Radio) -> None:
    bench = Bench(eui="0016c001f12a3b4c")
    bench.chip.eui = chip_eui
    bench.run(1_000_000)
    (change, *_) = [event for event in bench.events if isinstance(event, RadioChanged)]
    assert change.radio is radio
    if radio is Radio.OFF:
        assert reasons.text(change.reason, "fr").startswith("carte d’une autre passerelle")
        assert not bench.chip.running
        bench.chip.eui = bench.thread._eui
        bench.run(80_000_000)
        assert bench.changes()[-1][0] is Radio.RECEIVING
