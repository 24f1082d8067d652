"""The running concentrator: frames in order, few transactions, faults survived and counted."""

from dataclasses import replace

import pytest

from hal.board_files import choose
from hal.errors import ChipMisbehaved, LineFailed, OurMistake
from hal.packets import Cw, Fsk, Lora, Transmission, TxState, TxTrigger
from hal.settings import FineTimestampMode, Sx1261Settings
from hal.sx1261.lbt import LbtVerdict
from hal.sx1302.rx.fifo import RawPacket, encode, lora_crc16
from hal.sx1302.timing.clockwork import RECENT_US, SLIP_MARGIN_US
from hal.sx1302.timing.counter import TURN_US
from hal.twin.rf_event import RfEvent
from hal.units import Hz, Micros
from tests.unit.hal.sx1302.rigs import Rig, rig, started, with_lbt

PAYLOAD = bytes(range(20))


def raw(
    rig: Rig,
    payload: bytes = PAYLOAD,
    *,
    channel: int = 0,
    crc16: int | None = None,
    ticks: int | None = None,
) -> bytes:
    return encode(
        RawPacket(
            payload=payload,
            channel=channel,
            modem=channel,
            crc_present=True,
            coding_rate=1,
            sf=7,
            frequency_error=0,
            rssi_channel=100,
            rssi_signal=99,
            ticks=rig.chip.now_ticks() % (1 << 32) if ticks is None else ticks,
            crc16=lora_crc16(payload) if crc16 is None else crc16,
        )
    )


def send(trigger: TxTrigger = TxTrigger.IMMEDIATE, **changes: object) -> Transmission:
    base = Transmission(payload=PAYLOAD, modulation=Lora(sf=7), frequency_hz=Hz(867_500_000), power_dbm=14)
    return replace(base, trigger=trigger, **changes)  # type: ignore[arg-type]


def test_nothing_works_before_the_start() -> None:
    driver = rig().driver
    for call in (driver.receive, driver.status, driver.counter_us, lambda: driver.tx_state(0)):
        with pytest.raises(OurMistake, match="not started"):
            call()


def test_an_idle_poll_is_one_transaction_and_reads_no_counter() -> None:
    made = started()
    for _ in range(100):
        before = made.cost()
        assert made.driver.receive() == []
        assert made.cost() - before == 1


def test_the_timeline_is_kept_through_hours_of_silence() -> None:
    made = started()
    for _ in range(200):
        made.clock.sleep(60)
        made.driver.receive()

    assert abs(made.driver.counter_us() - made.chip.now_ticks() // 32) < 100
    assert made.driver.counts["counter_slips"] == 0


def test_a_frame_from_the_air_arrives_with_its_place_and_strength() -> None:
    made = started()
    made.clock.sleep(1)
    made.chip.inject(
        RfEvent(payload=PAYLOAD, modulation=Lora(sf=9), frequency_hz=868_300_000, rssi_dbm=-97, snr_db=5.5)
    )
    made.clock.sleep(1)

    (frame,) = made.driver.receive()

    assert frame.payload == PAYLOAD
    assert frame.modulation == Lora(sf=9)
    assert frame.frequency_hz == 868_300_000
    assert abs(frame.rssi_channel_dbm + 97) <= 1
    assert frame.snr_db == 5.5
    assert frame.crc == "ok"
    assert frame.if_channel == 1
    assert abs(frame.counter_us - (made.driver.counter_us() - 1_000_000)) < 20_000


def test_sixteen_frames_cost_what_one_costs() -> None:
    made = started()
    made.chip.inject_fifo(b"".join(raw(made, channel=index % 8) for index in range(16)))
    before = made.cost()

    assert len(made.driver.receive()) == 16
    assert made.cost() - before <= 6


def test_a_frame_cut_by_the_fetch_is_completed_by_the_next() -> None:
    made = started()
    data = raw(made)
    made.chip.inject_fifo(data[:17])
    assert made.driver.receive() == []

    made.chip.inject_fifo(data[17:])

    assert [frame.payload for frame in made.driver.receive()] == [PAYLOAD]
    assert made.driver.counts["dropped_bytes"] == 0


def test_bad_bytes_and_bad_crcs_are_counted_and_cost_nothing_else() -> None:
    made = started()
    broken = bytearray(raw(made))
    broken[12] ^= 0x40
    made.chip.inject_fifo(bytes(broken) + raw(made, channel=1) + raw(made, channel=2, crc16=1))

    frames = made.driver.receive()

    assert [(frame.if_channel, frame.crc) for frame in frames] == [(1, "ok"), (2, "bad")]
    assert made.driver.counts["checksum_bad"] == 1
    assert made.driver.counts["crc_mismatch"] == 1
    assert made.driver.counts["dropped_bytes"] == len(broken)


def test_torn_reads_lose_nothing_and_move_no_time() -> None:
    made = started()
    for _ in range(20):
        made.chip.faults.torn_fifo_counts = made.chip.faults.torn_counter_reads = 1
        made.chip.inject_fifo(b"".join(raw(made, channel=index % 8) for index in range(12)))
        frames = made.driver.receive() + made.driver.receive()
        assert len(frames) == 12
        assert all(0 <= made.driver.counter_us() - frame.counter_us < 100_000 for frame in frames)
    assert made.driver.counts["torn_counters"] > 0


def test_a_counter_that_slips_is_followed_and_counted() -> None:
    made = started()
    made.driver.counter_us()
    made.chip.clock.slip(0)
    before = made.driver.counter_us()
    host = made.driver.wiring.clock
    slipped = SlippedClock(host, -2_000_000)
    made.driver._clockwork._clock = slipped

    after = made.driver.counter_us()

    assert abs(after - before) < 1000
    assert made.driver.counts["counter_slips"] == 1


@pytest.mark.parametrize("after_us", [0, RECENT_US - 1_000, RECENT_US + 1_000, TURN_US // 2, 3 * TURN_US + 5])
def test_a_frame_is_placed_by_a_recent_reading_or_a_new_one(after_us: int) -> None:
    made = started()
    made.driver.counter_us()
    made.clock.sleep(after_us / 1e6)
    made.chip.inject_fifo(raw(made))
    before = made.cost()

    (frame,) = made.driver.receive()

    assert made.cost() - before == 3 + (after_us > RECENT_US)
    assert 0 <= made.driver.counter_us() - frame.counter_us < 100_000


@pytest.mark.parametrize("ahead_us", [-TURN_US // 2, -1_000_000, SLIP_MARGIN_US - 10_000])
def test_a_frame_of_a_counter_that_slipped_since_its_reading_is_placed_near(ahead_us: int) -> None:
    made = started()
    at_us = made.driver.counter_us()
    slipped = (made.chip.now_ticks() + ahead_us * 32) % (1 << 32)
    made.chip.inject_fifo(raw(made, ticks=slipped))

    (frame,) = made.driver.receive()

    assert abs(frame.counter_us - (at_us + ahead_us)) < 100_000


def test_fine_timestamps_read_the_counters_with_every_frame() -> None:
    made = started(replace(choose("rak5146").settings, fine_timestamp=FineTimestampMode.ALL_SF), model=3)
    made.driver.counter_us()
    made.chip.inject_fifo(raw(made))
    before = made.cost()

    assert len(made.driver.receive()) == 1

    assert made.cost() - before == 4


class SlippedClock:
    """The host's clock, off by a constant from here on."""

    def __init__(self, clock: object, offset_us: int) -> None:
        self._clock = clock
        self._offset_us = offset_us

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)  # type: ignore[attr-defined]

    def monotonic_us(self) -> int:
        return int(self._clock.monotonic_us()) + self._offset_us  # type: ignore[attr-defined]


def test_a_dead_bus_while_running_is_a_failed_line() -> None:
    made = started()
    made.chip.faults.dead_bus = 0xFF

    with pytest.raises(LineFailed, match="0xFFFF: dead bus"):
        made.driver.receive()


@pytest.mark.parametrize("modulation", [Lora(sf=7), Fsk(), Cw(offset_hz=30_000)])
def test_what_is_sent_leaves_as_asked(modulation: Lora | Fsk | Cw) -> None:
    made = started()
    left = []
    made.chip.on_emission = left.append

    made.driver.transmit(send(modulation=modulation, preamble_symbols=8))
    assert made.driver.tx_state(0) in (TxState.SCHEDULED, TxState.EMITTING)
    made.clock.sleep(1)
    if isinstance(modulation, Cw):
        made.driver.abort(0)
    assert made.driver.tx_state(0) is TxState.FREE
    assert list(made.chip.complaints) == []
    if not isinstance(modulation, Cw):
        assert left[0].payload == PAYLOAD
        assert left[0].frequency_hz == pytest.approx(867_500_000, abs=200)


def test_a_timestamped_send_starts_at_its_microsecond() -> None:
    made = started()
    left = []
    made.chip.on_emission = left.append
    at_us = Micros(made.driver.counter_us() + 500_000)
    before = made.cost()

    made.driver.transmit(send(TxTrigger.TIMESTAMPED, at_us=at_us))

    assert made.cost() - before <= 25
    made.clock.sleep(2)
    made.driver.tx_state(0)
    assert left[0].started_at_ticks // 32 == pytest.approx(at_us, abs=1)


def test_the_second_identical_send_costs_next_to_nothing() -> None:
    made = started()
    made.driver.transmit(send())
    made.clock.sleep(1)
    made.driver.tx_state(0)
    before = made.cost()

    made.driver.transmit(send())

    assert made.cost() - before <= 6


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rf_chain": 1}, "rf_chain: radio 1 is not enabled for transmission"),
        ({"rf_chain": 2}, "rf_chain: radio 2 is not enabled"),
        ({"frequency_hz": Hz(902_000_000)}, "frequency_hz: 902000000 is not in"),
        ({"power_dbm": 3}, "power_dbm: 3 dBm is below the gain table's 12 dBm"),
        ({"modulation": Lora(sf=7, coding_rate=0)}, "coding_rate: 0"),
        ({"modulation": Fsk(bitrate_bps=100)}, "bitrate_bps: 100"),
        ({"modulation": Fsk(deviation_hz=300_000)}, "deviation_hz: 300000"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_the_bus_moves(changes: dict[str, object], reason: str) -> None:
    made = started()
    before = made.cost()

    with pytest.raises(OurMistake, match=reason):
        made.driver.transmit(send(**changes))
    assert made.cost() == before


def test_a_busy_chain_and_a_past_instant_are_refused() -> None:
    made = started()
    at_us = Micros(made.driver.counter_us() + 500_000)
    made.driver.transmit(send(TxTrigger.TIMESTAMPED, at_us=at_us))
    with pytest.raises(OurMistake, match="rf_chain: radio 0 is scheduled"):
        made.driver.transmit(send())
    made.driver.abort(0)

    with pytest.raises(OurMistake, match="at_us: starts"):
        made.driver.transmit(send(TxTrigger.TIMESTAMPED, at_us=made.driver.counter_us()))


def test_a_transmitter_that_never_ends_is_not_waited_for() -> None:
    made = started()
    made.driver.transmit(send())
    made.chip.faults.tx_stuck = True
    made.clock.sleep(0.001)

    with pytest.raises(ChipMisbehaved, match="TX abort of radio 0: no answer within 1000 ms"):
        made.driver.abort(0)


def test_listening_before_talking_does_not_stop_reception() -> None:
    made = started(with_lbt())
    at_us = Micros(made.driver.counter_us() + 2_000_000)
    made.driver.transmit(send(TxTrigger.TIMESTAMPED, at_us=at_us))
    assert made.driver.listening

    made.chip.inject_fifo(raw(made))
    assert len(made.driver.receive()) == 1
    assert made.driver.listening
    with pytest.raises(OurMistake, match="still listens"):
        made.driver.transmit(send())
    for _ in range(300):
        made.clock.sleep(0.01)
        made.driver.receive()

    assert made.driver.last_verdict is LbtVerdict.SENT
    assert not made.driver.listening
    assert made.driver.counts["lbt_sent"] == 1


def test_a_busy_channel_blocks_and_says_so() -> None:
    made = started(with_lbt(threshold_dbm=-70))
    made.chip.sx1261.noise_dbm = lambda _: -50.0
    at_us = Micros(made.driver.counter_us() + 60_000)
    made.driver.transmit(send(TxTrigger.TIMESTAMPED, at_us=at_us))
    states = [made.driver.tx_state(0)]
    while made.driver.listening:
        made.clock.sleep(0.005)
        states.append(made.driver.tx_state(0))

    assert states[0] is TxState.SCHEDULED
    assert states[-1] is TxState.BLOCKED
    assert made.driver.last_verdict is LbtVerdict.BLOCKED
    assert made.driver.counts["lbt_blocked"] == 1
    made.chip.sx1261.noise_dbm = lambda _: -90.0
    made.driver.transmit(send())
    assert made.driver.tx_state(0) is TxState.EMITTING


def test_an_instant_that_passes_while_the_listener_is_set_up_is_refused() -> None:
    made = started(with_lbt())
    with pytest.raises(OurMistake, match="listening took"):
        made.driver.transmit(send(TxTrigger.TIMESTAMPED, at_us=Micros(made.driver.predicted_us() + 5_000)))
    assert not made.driver.listening
    assert made.driver.tx_state(0) is TxState.FREE


def test_a_spectrum_needs_a_listening_radio() -> None:
    with pytest.raises(OurMistake, match="needs an SX1261"):
        started().driver.spectral_scan(Hz(868_100_000))
    scanning = started(replace(choose("rak2287").settings, sx1261=Sx1261Settings(rssi_offset_db=3)))

    spectrum = scanning.driver.spectral_scan(Hz(868_100_000), 1000)

    assert sum(spectrum.counts) == 1000
    assert spectrum.levels_dbm[0] == 3
    assert len(spectrum.levels_dbm) == 33


def test_status_sees_a_healthy_chip() -> None:
    made = started()
    made.clock.sleep(1)
    before = made.cost()

    status = made.driver.status()

    assert status.receiving
    assert status.fault is None
    assert status.temperature_c == 25.5
    assert made.cost() - before <= 4


def test_status_sees_a_stuck_agc_behind_a_healthy_bus() -> None:
    made = started()
    made.chip.faults.agc_stuck = True

    status = made.driver.status()

    assert not status.receiving
    assert "AGC" in str(status.fault)


def test_stop_ends_what_is_sent_and_twice_is_once() -> None:
    made = started()
    made.driver.transmit(send(TxTrigger.TIMESTAMPED, at_us=Micros(made.driver.counter_us() + 5_000_000)))

    made.driver.stop()
    made.driver.stop()

    assert not made.driver.started


class FailingOnce:
    """A bus whose next read of the counters fails."""

    def __init__(self, made: Rig) -> None:
        self._made = made
        self.failures = 1

    def transfer(self, mosi: bytes) -> bytes:
        if self.failures and mosi[:3] == b"\x00\x61\x01":
            self.failures = 0
            raise LineFailed("pulled", where="bus")
        return self._made.chip.transfer(mosi)

    def close(self) -> None: ...


def test_what_was_fetched_survives_a_line_that_fails_before_it_is_decoded() -> None:
    made = started()
    made.driver.registers.bus = FailingOnce(made)
    made.clock.sleep(2 * RECENT_US / 1e6)
    made.chip.inject_fifo(raw(made))

    with pytest.raises(LineFailed, match="pulled"):
        made.driver.receive()

    assert [frame.payload for frame in made.driver.receive()] == [PAYLOAD]


def test_an_aborted_transmission_stops_listening_at_once() -> None:
    made = started(with_lbt())
    at_us = Micros(made.driver.counter_us() + 60_000_000)
    made.driver.transmit(send(TxTrigger.TIMESTAMPED, at_us=at_us))

    made.driver.abort(0)
    for _ in range(100):
        made.clock.sleep(0.01)
        made.driver.receive()

    assert not made.driver.listening
    assert made.driver.last_verdict is LbtVerdict.UNKNOWN
    made.driver.transmit(send())
