"""Limits and corners: what happens at each, and that it is counted."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.packets import Fsk, Lora
from hal.twin import air
from hal.twin.chip import VirtualChip
from hal.twin.clock import VirtualClock
from hal.twin.complaints import Fault
from hal.twin.lines.pseudo_terminal import PseudoTerminal
from hal.twin.lines.usb_mcu import UsbMcu
from hal.twin.propagation import Position
from hal.twin.reception import receiver
from hal.twin.rf_event import ReceptionVerdict, RfEvent
from tests.unit.hal.twin.bring_up import RawHost, started
from tests.unit.hal.twin.test_receive import EVENT


@pytest.fixture
def chip() -> VirtualChip:
    return VirtualChip(clock=VirtualClock())


def test_an_eui_has_sixteen_digits() -> None:
    with pytest.raises(ValueError, match="16 hex digits"):
        VirtualChip(eui="0016c001")


@pytest.mark.parametrize(
    ("field", "value", "says"), [("payload", bytes(256), "255"), ("frequency_hz", 0, "not a frequency")]
)
def test_an_impossible_event_is_refused(field: str, value: object, says: str) -> None:
    fields = {"payload": b"", "modulation": Lora(sf=7), "frequency_hz": 868_100_000, field: value}
    with pytest.raises(ValueError, match=says):
        RfEvent(**fields)  # type: ignore[arg-type]


@pytest.mark.slow
def test_frames_that_wait_have_a_limit(chip: VirtualChip) -> None:
    started(chip)
    future = replace(EVENT, ends_at_ticks=chip.now_ticks() + 10**9)
    verdicts = [chip.inject(future) for _ in range(receiver.PENDING_LIMIT + 1)]
    assert verdicts[-2:] == [ReceptionVerdict.PENDING, ReceptionVerdict.NO_MODEM]


def test_frames_on_air_have_a_limit(chip: VirtualChip) -> None:
    sky = air.Air()
    sky.add_sensor("s", Position(lat=47, lon=1), lambda _: None)
    uplink = air.Uplink(payload=b"x", modulation=Lora(sf=7), frequency_hz=868_100_000)
    for _ in range(air.ON_AIR_LIMIT + 1):
        sky.speak("s", uplink, began_us=0)
    assert sky.fates == {air.Fate.AIR_FULL: 1}


def test_counters_are_placed_the_shorter_way_round(chip: VirtualChip) -> None:
    host = started(chip)
    chip.delay_ns(2_000_000_000)
    now = chip.now_ticks()
    chip.place_counters(free_running=(now - 32_000) & 0xFFFFFFFF, pps=0x1234)
    assert chip.now_ticks() == now - 32_000
    pps, counter = (int.from_bytes(part, "big") for part in (host.read(0x6101, 8)[:4], host.read(0x6105, 4)))
    assert (pps - 0x1234) % 32_000_000 == 0
    assert counter - (now - 32_000) < 10_000
    chip.place_counters(free_running=5)
    assert host.counter() < 5_000


def test_injection_into_a_full_fifo_is_refused_whole(chip: VirtualChip) -> None:
    assert chip.inject_fifo(bytes(4096))
    assert not chip.inject_fifo(b"x")
    assert chip.lost_fifo_full == 1


def test_a_burst_beyond_the_last_address_is_survived(chip: VirtualChip) -> None:
    host = RawHost(chip.transfer)
    chip.transfer(bytes((0, 0xFF, 0xFF, 1, 2, 3)))
    assert len(host.read(0x7FFF, 4)) == 4
    assert chip.registers()[0x7FFF] == 1


@given(frames=st.lists(st.binary(max_size=40), max_size=30), sx1261=st.binary(max_size=20))
def test_any_bytes_on_the_bus_are_answered_in_their_length(frames: list[bytes], sx1261: bytes) -> None:
    chip = VirtualChip(clock=VirtualClock())
    for frame in frames:
        assert len(chip.transfer(frame)) == len(frame)
    assert len(chip.transfer_sx1261(sx1261)) == len(sx1261)
    chip.delay_ns(10**12)


@settings(max_examples=4)
@given(seed=st.integers(0, 1000))
def test_a_line_of_noise_crashes_nothing(seed: int) -> None:
    chip = VirtualChip(clock=VirtualClock())
    host = started(chip)
    chip.faults.random.seed(seed)
    chip.faults.spi_bit_error_every_bytes = 3
    for _ in range(50):
        host.prepare_lora(b"bruit")
        host.trigger()
        chip.inject(EVENT)
        host.read(0x4000, 30)
        chip.delay_ns(100_000_000)


class TestWhoIsNotHeard:
    def heard(self, chip: VirtualChip, **changes: object) -> ReceptionVerdict:
        return chip.inject(replace(EVENT, **changes))  # type: ignore[arg-type]

    def test_channels_of_a_radio_that_does_not_receive(self, chip: VirtualChip) -> None:
        started(chip)
        chip.radios[1].mode = 2
        assert self.heard(chip) is ReceptionVerdict.NO_CHANNEL
        assert self.heard(chip, frequency_hz=867_500_000) is ReceptionVerdict.HEARD
        fast = Lora(sf=7, bandwidth_hz=250_000)
        assert self.heard(chip, modulation=fast, frequency_hz=868_300_000) is ReceptionVerdict.NO_CHANNEL
        assert self.heard(chip, modulation=Fsk(), frequency_hz=868_800_000) is ReceptionVerdict.NO_CHANNEL

    @pytest.mark.parametrize(
        ("address", "value"), [(0x5605, 0x0E), (0x5B22, 0x81), (0x5B23, 0x04), (0x5B21, 0x58)]
    )
    def test_a_service_modem_that_is_off_or_set_otherwise(
        self, chip: VirtualChip, address: int, value: int
    ) -> None:
        started(chip).write(address, value)
        fast = Lora(sf=7, bandwidth_hz=250_000)
        assert self.heard(chip, modulation=fast, frequency_hz=868_300_000) is ReceptionVerdict.NO_CHANNEL

    def test_the_service_modem_off_channel_and_of_another_network(self, chip: VirtualChip) -> None:
        started(chip)
        fast = Lora(sf=7, bandwidth_hz=250_000)
        assert self.heard(chip, modulation=fast, frequency_hz=868_500_000) is ReceptionVerdict.NO_CHANNEL
        private = {"modulation": fast, "frequency_hz": 868_300_000, "public": False}
        assert self.heard(chip, **private) is ReceptionVerdict.WRONG_SYNC_WORD

    def test_fsk_off_channel(self, chip: VirtualChip) -> None:
        started(chip)
        assert self.heard(chip, modulation=Fsk(), frequency_hz=868_100_000) is ReceptionVerdict.NO_CHANNEL

    def test_no_demodulator_is_enabled(self, chip: VirtualChip) -> None:
        host = started(chip)
        host.write(0x6188, 0x00)
        host.write(0x6189, 0x80)
        assert self.heard(chip) is ReceptionVerdict.HEARD
        assert host.fetch()[5] == 15
        host.write(0x6189, 0x00)
        assert self.heard(chip) is ReceptionVerdict.NO_MODEM


def test_the_arb_is_started_once(chip: VirtualChip) -> None:
    host = started(chip)
    host.write(0x608A, 1)
    assert [complaint.fault for complaint in chip.complaints] == [Fault.HANDSHAKE_OUT_OF_ORDER]


def test_halting_an_mcu_makes_the_chip_deaf(chip: VirtualChip) -> None:
    host = started(chip)
    host.write(0x6080, 0x24)
    assert chip.inject(EVENT) is ReceptionVerdict.NOT_RUNNING
    assert host.read(0x6081) == b"\0"


def test_the_reset_command_of_the_usb_board(chip: VirtualChip) -> None:
    assert UsbMcu(chip).feed(bytes.fromhex("01 0001 03 00")).hex() == "0100014300"
    assert chip.resets == 1


def test_what_nobody_reads_is_dropped_and_counted(tmp_path: Path) -> None:
    with PseudoTerminal(lambda _: b"", link=tmp_path / "tty") as terminal:
        for _ in range(100):
            terminal.say(bytes(4096))
        assert terminal.dropped_bytes > 0
    terminal.vanish()
    terminal.say(b"nobody")
    assert not (tmp_path / "tty").exists()
