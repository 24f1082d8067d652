"""What leaves the antenna: triggers, real air time, aborts, LBT, half duplex, and the state that shows."""

import pytest

from hal.packets import Cw, Fsk, Lora, TxTrigger
from hal.twin.chip import VirtualChip
from hal.twin.clock import VirtualClock
from hal.twin.complaints import Fault
from hal.twin.emission import Emission
from hal.twin.reception.fifo_render import FrontEnd
from hal.twin.rf_event import ReceptionVerdict, RfEvent
from hal.twin.symbols import lora_air_time_us
from tests.unit.hal.twin.bring_up import RawHost, started

SECOND_NS = 1_000_000_000
SECOND_TICKS = 32_000_000
AIR_TIME_US = lora_air_time_us(Lora(sf=9), 5)


class Station:
    """A started chip in virtual time and what it sent."""

    def __init__(self, *, lbt: int = 0) -> None:
        self.emissions: list[Emission] = []
        self.chip = VirtualChip(clock=VirtualClock(), on_emission=self.emissions.append, name="mast")
        self.host: RawHost = started(self.chip, lbt=lbt)

    @property
    def status(self) -> int:
        return self.host.read(0x5211)[0]

    @property
    def faults(self) -> list[Fault]:
        return [complaint.fault for complaint in self.chip.complaints]


@pytest.fixture
def station() -> Station:
    return Station()


def test_an_immediate_frame_is_on_air_for_its_air_time(station: Station) -> None:
    station.host.prepare_lora(b"salut")
    assert station.status == 0x80
    station.host.trigger()
    assert station.status == 0x60
    station.chip.delay_ns((AIR_TIME_US + 1482) * 1000)
    assert station.status == 0x80
    (sent,) = station.emissions
    assert sent.payload == b"salut"
    assert sent.modulation == Lora(sf=9)
    assert sent.trigger is TxTrigger.IMMEDIATE
    assert sent.frequency_hz == pytest.approx(869_525_000, abs=123)
    assert (sent.power_dbm, sent.power_index, sent.pa_enabled) == (14.0, 0x11, False)
    assert (sent.inverted, sent.with_crc, sent.implicit_header, sent.public) == (True, False, False, True)
    assert sent.air_time_us == lora_air_time_us(Lora(sf=9), 5, crc=False)
    assert not sent.aborted
    assert station.faults == []


def test_a_timestamped_frame_starts_at_its_counter(station: Station) -> None:
    station.host.prepare_lora(b"salut")
    at = station.host.counter() + SECOND_TICKS
    station.host.trigger(delayed_to=at)
    assert station.status == 0x91
    station.chip.delay_ns(2 * SECOND_NS)
    (sent,) = station.emissions
    assert sent.started_at_ticks == at
    assert sent.started_at_us == at // 32
    assert sent.trigger is TxTrigger.TIMESTAMPED


def test_a_gps_frame_starts_at_the_next_pps(station: Station) -> None:
    station.host.prepare_lora(b"balise")
    station.host.trigger(gps=True)
    assert station.status == 0x91
    edge = station.chip.pps.next(station.chip.now_ticks())
    station.chip.delay_ns(2 * SECOND_NS)
    (sent,) = station.emissions
    assert sent.started_at_ticks == edge + 0xB935
    assert sent.rf_started_at_ticks == edge + 48_000, "1500 us, as LoRaWAN 1.0.4 §12.1 has a beacon"
    assert sent.trigger is TxTrigger.ON_GPS


def test_without_pps_a_gps_frame_never_leaves(station: Station) -> None:
    station.chip.faults.pps_missing = True
    station.host.prepare_lora(b"balise")
    station.host.trigger(gps=True)
    station.chip.delay_ns(100 * SECOND_NS)
    assert station.status == 0x91
    assert station.faults == [Fault.TRIGGER_WITHOUT_PPS]


def test_a_late_trigger_is_a_complaint_and_waits_for_the_wrap(station: Station) -> None:
    station.host.prepare_lora(b"trop tard")
    station.host.trigger(delayed_to=station.host.counter() - SECOND_TICKS)
    assert station.faults == [Fault.TRIGGER_LATE]
    station.chip.delay_ns(10 * SECOND_NS)
    assert station.status == 0x91
    assert station.emissions == []


def test_an_abort_before_departure_sends_nothing(station: Station) -> None:
    station.host.prepare_lora(b"salut")
    station.host.trigger(delayed_to=station.host.counter() + SECOND_TICKS)
    station.host.write(0x5200, 0)
    assert station.status == 0x80
    station.chip.delay_ns(5 * SECOND_NS)
    assert station.emissions == []


def test_an_abort_on_air_cuts_the_frame_short(station: Station) -> None:
    station.host.prepare_lora(b"salut")
    station.host.trigger()
    station.chip.delay_ns(50_000_000)
    station.host.write(0x5200, 0)
    assert station.status == 0x80
    (sent,) = station.emissions
    assert sent.aborted
    assert sent.air_time_us == pytest.approx(50_000 - 1482, abs=50)


def test_fsk_and_carrier(station: Station) -> None:
    host = station.host
    host.prepare_lora(b"")
    host.write(0x5220, 0x0E)
    host.write(0x5242, 0, 5, 2, 0x80)
    host.write(0x5228, 0, 0xCC)
    host.write(0x5207, 1)
    host.burst(0x5300, b"\x04FSK!")
    host.write(0x5207, 0)
    host.trigger()
    station.chip.delay_ns(SECOND_NS)
    host.write(0x5220, 0x0C)
    host.write(0x5200, 0)
    host.trigger()
    station.chip.delay_ns(100 * SECOND_NS)
    assert station.status == 0x60
    host.write(0x5200, 0)
    fsk, carrier = station.emissions
    assert fsk.payload == b"FSK!"
    assert fsk.modulation == Fsk(bitrate_bps=50_000, deviation_hz=24_902)
    assert fsk.fsk_sync_word == bytes.fromhex("97235225"), "the pattern at power-on"
    assert fsk.air_time_us == 8 * (5 + 3 + 1 + 4 + 2) * 20
    assert isinstance(carrier.modulation, Cw)
    assert carrier.aborted
    assert carrier.air_time_us == pytest.approx(100_000_000, abs=100)


def test_a_listener_that_is_gone_does_not_disturb_the_bus(
    station: Station, caplog: pytest.LogCaptureFixture
) -> None:
    def closed(_: Emission) -> None:
        raise RuntimeError("Event loop is closed")

    station.chip.on_emission = closed
    station.host.prepare_lora(b"salut")
    station.host.trigger()
    station.chip.delay_ns(SECOND_NS)
    assert station.status == 0x80
    assert "Event loop is closed" in caplog.text


def test_the_boards_front_end_says_how_strong_it_leaves() -> None:
    emissions: list[Emission] = []
    board = FrontEnd(tx_power_dbm=lambda register: register / 2)
    chip = VirtualChip(clock=VirtualClock(), front_end=board, on_emission=emissions.append)
    host = started(chip)
    host.prepare_lora(b"fort")
    host.trigger()
    chip.delay_ns(SECOND_NS)
    assert [sent.power_dbm for sent in emissions] == [0x11 / 2]


def test_the_second_chain_has_its_own_registers(station: Station) -> None:
    station.host.prepare_lora(b"voie B", chain=1)
    station.host.trigger(chain=1)
    assert (station.status, station.host.read(0x5411)[0]) == (0x80, 0x60)
    station.chip.delay_ns(SECOND_NS)
    assert [sent.rf_chain for sent in station.emissions] == [1]


def test_what_arrives_while_sending_is_lost(station: Station) -> None:
    event = RfEvent(payload=b"x", modulation=Lora(sf=7), frequency_hz=868_100_000)
    station.host.prepare_lora(b"salut")
    station.host.trigger()
    station.chip.delay_ns(10_000_000)
    assert station.chip.inject(event) is ReceptionVerdict.HALF_DUPLEX
    station.chip.delay_ns(SECOND_NS)
    assert station.chip.inject(event) is ReceptionVerdict.HEARD


def test_a_trigger_on_a_busy_chain_is_a_complaint(station: Station) -> None:
    station.host.prepare_lora(b"un")
    station.host.trigger(delayed_to=station.host.counter() + SECOND_TICKS)
    station.host.write(0x5200, 0x03)
    assert station.faults == [Fault.TRIGGER_WHILE_BUSY]


def test_a_trigger_before_the_agc_runs_is_a_complaint() -> None:
    chip = VirtualChip(clock=VirtualClock())
    host = RawHost(chip.transfer)
    host.prepare_lora(b"x")
    host.trigger()
    assert [complaint.fault for complaint in chip.complaints] == [Fault.TRIGGER_BEFORE_START]


def test_a_reset_cuts_what_is_on_air_and_forgets_what_is_scheduled(station: Station) -> None:
    station.host.prepare_lora(b"coupe")
    station.host.trigger()
    station.host.prepare_lora(b"jamais", chain=1)
    station.host.trigger(delayed_to=station.host.counter() + 10 * SECOND_TICKS, chain=1)
    station.chip.delay_ns(50_000_000)
    station.chip.reset()
    station.chip.delay_ns(20 * SECOND_NS)
    assert [(sent.payload, sent.aborted) for sent in station.emissions] == [(b"coupe", True)]


def test_what_ended_unnoticed_before_a_reset_is_still_reported(station: Station) -> None:
    station.host.prepare_lora(b"partie")
    station.host.trigger()
    station.chip.clock.delay_ns(SECOND_NS)
    station.chip.reset()
    assert [(sent.payload, sent.aborted) for sent in station.emissions] == [(b"partie", False)]


def test_a_stuck_transmitter_never_becomes_free(station: Station) -> None:
    station.chip.faults.tx_stuck = True
    station.host.prepare_lora(b"salut")
    station.host.trigger()
    station.chip.delay_ns(60 * SECOND_NS)
    assert station.status == 0x60
    station.host.write(0x5200, 0)
    assert station.status == 0x60


class TestListenBeforeTalk:
    def listening(self, noise_dbm: float) -> Station:
        station = Station(lbt=1)
        station.chip.sx1261.noise_dbm = lambda _: noise_dbm
        station.chip.sx1261.patched = True
        station.chip.transfer_sx1261(bytes.fromhex("9a0b00188c01"))
        station.host.prepare_lora(b"poli")
        return station

    def test_a_quiet_channel_lets_the_frame_go_and_says_so(self) -> None:
        station = self.listening(-95)
        station.host.trigger()
        assert station.host.read(0x5781) == b"\x01"
        station.host.write(0x578C, 0xFF)
        assert station.host.read(0x5781) == b"\x00"
        station.chip.delay_ns(SECOND_NS)
        assert len(station.emissions) == 1

    def test_a_busy_channel_blocks_it(self) -> None:
        station = self.listening(-60)
        station.host.trigger()
        assert station.host.read(0x5781) == b"\x41", "decided, and blocked"
        assert station.status == 0x80
        assert station.emissions == []

    def test_nobody_listening_blocks_it_with_a_complaint(self) -> None:
        station = Station(lbt=1)
        station.host.prepare_lora(b"sourd")
        station.host.trigger()
        assert station.status == 0x80
        assert station.faults == [Fault.TRIGGER_WITHOUT_LBT]


@pytest.mark.parametrize(
    ("address", "values"),
    [
        (0x5220, (0x0F,)),
        (0x5260, (0x30 | 9,)),
        (0x5260, (0x40 | 13,)),
        (0x5225, (0, 0, 1)),
        (0x5225, (0xFF, 0, 0)),
    ],
)
def test_registers_that_describe_no_frame_are_a_complaint(
    station: Station, address: int, values: tuple[int, ...]
) -> None:
    station.host.prepare_lora(b"hors gabarit")
    station.host.write(address, *values)
    station.host.trigger()
    assert station.faults == [Fault.TX_OUT_OF_RANGE]
