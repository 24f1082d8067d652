"""The USB board's microcontroller: every command in raw bytes, bulk mode, resets, misbehaviour."""

import itertools
import os
import select

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.twin.chip import VirtualChip
from hal.twin.clock import VirtualClock
from hal.twin.lines.pseudo_terminal import PseudoTerminal
from hal.twin.lines.usb_mcu import BOOTLOADER_MS, UsbMcu
from hal.twin.parts.thermometer import Thermometer

POWER_ON = bytes.fromhex("01 0003 04 00 01 01")
READ_VERSION = bytes.fromhex("09 000a 05  07 01 00 0005 0056060000")


@pytest.fixture
def chip() -> VirtualChip:
    return VirtualChip(clock=VirtualClock(), thermometer=Thermometer(temperature_c=-3.25))


@pytest.fixture
def mcu(chip: VirtualChip) -> UsbMcu:
    mcu = UsbMcu(chip)
    mcu.feed(POWER_ON)
    return mcu


def test_ping_answers_the_unique_id_and_the_version(mcu: UsbMcu) -> None:
    answer = mcu.feed(bytes.fromhex("2a 0000 00"))
    assert answer[:4].hex() == "2a001540"
    assert len(answer) == 4 + 21
    assert answer[-9:] == b"V01.00.00"


def test_status_answers_uptime_and_temperature(chip: VirtualChip, mcu: UsbMcu) -> None:
    chip.delay_ns(1_500_000_000)
    assert (
        mcu.feed(bytes.fromhex("05 0000 01")).hex()
        == "05000641" + "000005dc" + (-325 & 0xFFFF).to_bytes(2).hex()
    )


def test_spi_moves_one_frame(mcu: UsbMcu) -> None:
    assert mcu.feed(READ_VERSION).hex() == "09000a45" + "0701000005" + "0000000010"


def test_without_power_the_bus_is_dead(chip: VirtualChip) -> None:
    assert UsbMcu(chip).feed(READ_VERSION)[-1] == 0
    assert chip.transactions == 0


def test_rmw_happens_in_the_microcontroller(chip: VirtualChip, mcu: UsbMcu) -> None:
    answer = mcu.feed(bytes.fromhex("0b 0006 05  03 02 5601 08 00"))
    assert answer.hex() == "0b000545" + "0302000b03"
    assert chip.registers()[0x5601] == 0x03


def test_bulk_is_answered_part_by_part_in_order(chip: VirtualChip, mcu: UsbMcu) -> None:
    parts = [bytes((index, 1, 0, 0, 4, 0, 0xD6, 0x43, index)) for index in range(255)]
    payload = b"".join(parts)
    answer = mcu.feed(bytes((1, len(payload) >> 8, len(payload) & 0xFF, 5)) + payload)
    assert [answer[4 + 9 * index] for index in range(255)] == list(range(255))
    assert chip.registers()[0x5643] == 254


def test_the_other_chip_select_is_the_sx1261(mcu: UsbMcu) -> None:
    assert mcu.feed(bytes.fromhex("0c 0007 05  00 01 01 0002 c000"))[-1] == 0x22


@pytest.mark.parametrize(
    ("pins", "resets"), [("0201 0200", 1), ("0200", 0), ("0801 0800", 0), ("0201 0100", 1)]
)
def test_the_reset_pins(chip: VirtualChip, mcu: UsbMcu, pins: str, resets: int) -> None:
    for pin in pins.split():
        answer = mcu.feed(bytes.fromhex("01 0003 04 00" + pin))
        assert answer.hex() == "0100014400"
    assert chip.resets == resets


def test_the_sx1261_is_reset_on_its_rising_pin(chip: VirtualChip, mcu: UsbMcu) -> None:
    chip.sx1261.patched = True
    mcu.feed(bytes.fromhex("01 0003 04 00 08 00"))
    assert chip.sx1261.patched
    mcu.feed(bytes.fromhex("01 0003 04 00 08 01"))
    assert not chip.sx1261.patched


REFUSED = [
    "07 0000 09",
    "07 0002 04 0001",
    "07 0000 05",
    "07 0004 05 00010000",
    "07 0006 05 0001000005 00",
    "07 0005 05 0001020000",
    "07 0005 05 0009000000",
    "07 0005 05 0302560108",
    "07 0000 03",
]


@pytest.mark.parametrize("frame", REFUSED)
def test_a_malformed_command_is_refused(mcu: UsbMcu, frame: str) -> None:
    assert mcu.feed(bytes.fromhex(frame)).hex() == "070000ff"
    assert mcu.refused == 1


def test_a_256th_request_of_a_bulk_is_refused(mcu: UsbMcu) -> None:
    payload = bytes((0, 1, 0, 0, 0)) * 256
    assert mcu.feed(bytes((7, len(payload) >> 8, len(payload) & 0xFF, 5)) + payload).hex() == "070000ff"


def test_an_endless_frame_is_refused_and_the_line_recovers(mcu: UsbMcu) -> None:
    assert mcu.feed(bytes.fromhex("07 ffff 05")).hex() == "070000ff"
    assert mcu.feed(READ_VERSION)[-1] == 0x10


@given(cuts=st.lists(st.integers(0, 40), max_size=6))
def test_frames_may_come_in_any_pieces(cuts: list[int]) -> None:
    mcu = UsbMcu(VirtualChip(clock=VirtualClock()))
    stream = POWER_ON + READ_VERSION + bytes.fromhex("2a 0000 00")
    whole = UsbMcu(VirtualChip(clock=VirtualClock())).feed(stream)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pieces = [stream[begin:end] for begin, end in itertools.pairwise(edges)]
    assert b"".join(mcu.feed(piece) for piece in pieces) == whole


@given(noise=st.binary(max_size=300))
def test_any_bytes_are_survived(noise: bytes) -> None:
    UsbMcu(VirtualChip(clock=VirtualClock())).feed(noise)


class TestMisbehaviour:
    def test_mute(self, mcu: UsbMcu) -> None:
        mcu.faults.mute = True
        assert mcu.feed(READ_VERSION) == b""

    def test_wrong_id(self, mcu: UsbMcu) -> None:
        mcu.faults.wrong_id = True
        assert mcu.feed(READ_VERSION)[0] != 0x09

    def test_errors_are_rationed(self, mcu: UsbMcu) -> None:
        mcu.faults.error_answers = 1
        assert mcu.feed(READ_VERSION)[3] == 0xFF
        assert mcu.feed(READ_VERSION)[3] == 0x45

    def test_cut_answers(self, mcu: UsbMcu) -> None:
        mcu.faults.cut_answers_to = 6
        assert len(mcu.feed(READ_VERSION)) == 6

    def test_spi_status(self, mcu: UsbMcu) -> None:
        mcu.faults.spi_status = 3
        assert mcu.feed(READ_VERSION)[6] == 3

    def test_the_bootloader_is_silent_until_the_firmware_starts_again(self) -> None:
        now_ms = 5
        mcu = UsbMcu(VirtualChip(clock=VirtualClock()), uptime_ms=lambda: now_ms)
        assert mcu.feed(bytes.fromhex("01 0000 02")).hex() == "01000042"
        assert mcu.feed(bytes.fromhex("02 0000 00")) == b""
        now_ms += BOOTLOADER_MS
        assert mcu.feed(bytes.fromhex("03 0000 00"))[:4].hex() == "03001540", "a ping is answered"


def test_it_lives_on_a_pseudo_terminal_until_the_plug_is_pulled(mcu: UsbMcu) -> None:
    with PseudoTerminal(mcu.feed) as terminal:
        host = os.open(terminal.path, os.O_RDWR | os.O_NOCTTY)
        try:
            os.write(host, READ_VERSION)
            answer = b""
            while len(answer) < 14:
                assert select.select([host], [], [], 60)[0], "no answer"
                answer += os.read(host, 64)
            assert answer[-1] == 0x10
            terminal.vanish()
            with pytest.raises(OSError, match=r"Input/output|No such|Bad file"):
                os.write(host, READ_VERSION)
        finally:
            os.close(host)
