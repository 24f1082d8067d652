"""Transcript lines as the reference's recordings have them, and what a comparison finds."""

from dataclasses import replace

import pytest

from hal.bus import spi_frames
from hal.packets import Crc, Fsk, Lora, ReceivedFrame
from hal.settings import Channel, FskModem
from hal.transcript.compare import Memory, differences
from hal.transcript.golden import Golden, Phase, transmission_of
from hal.transcript.packet_lines import PacketPrinter, line
from hal.transcript.recorder import RecordedClock, RecordedI2c, Tape, bus_line, sx1261_line
from hal.transcript.runner import Replayed
from hal.twin.chip import VirtualChip
from hal.twin.clock import VirtualClock
from hal.twin.lines.local import ChipClock, LocalBus
from hal.units import Dbm, Hz, Micros
from tests.unit.hal.sx1302.test_boot import SETTINGS


@pytest.mark.parametrize(
    ("mosi", "miso", "expected"),
    [
        (spi_frames.read(0x5606, 1), "0000000010", "0 R 5606 1 10"),
        (spi_frames.write(0x5205, b"\xb9\x35"), "0000000000", "0 W 5205 2 b935"),
        (spi_frames.radio(0, 0x98, b"\xd7\xdb"), "00000000", "1 W 98 2 d7db"),
        (spi_frames.radio(1, 0xC0, b"\x00"), "000024", "2 R c0 1 00 > 24"),
        (spi_frames.radio(0, 0x17, bytes(3)), "0000240000", "1 R 17 3 000000 > 240000"),
    ],
)
def test_lines_of_the_main_bus(mosi: bytes, miso: str, expected: str) -> None:
    assert bus_line(mosi, bytes.fromhex(miso)) == expected


def test_program_ram_is_a_digest() -> None:
    assert bus_line(spi_frames.write(0x0000, bytes(65)), bytes(68)).startswith("0 W 0000 65 sha256:")
    assert bus_line(spi_frames.write(0x0000, bytes(64)), bytes(67)) == f"0 W 0000 64 {'00' * 64}"


@pytest.mark.parametrize(
    ("mosi", "miso", "expected"),
    [
        ("d9", "00", "L W d9 0 -"),
        ("0d061010", "00000000", "L W 0d 3 061010"),
        ("c000", "0022", "L R c0 1 00 > 22"),
    ],
)
def test_lines_of_the_listening_radio(mosi: str, miso: str, expected: str) -> None:
    assert sx1261_line(bytes.fromhex(mosi), bytes.fromhex(miso)) == expected


def test_i2c_and_sleeps() -> None:
    chip = VirtualChip(clock=VirtualClock())
    tape = Tape()
    i2c = RecordedI2c(LocalBus(chip), tape)
    clock = RecordedClock(ChipClock(chip), tape)
    i2c.write(0x39, b"\xfd")
    i2c.read(0x39, 1)
    i2c.read(0x20, 1)
    clock.sleep(0.01)

    assert tape.take() == ["I W 39 1 fd", "I R 39 1 00", "I R 20 1 NAK", "# wait_us 10000"]
    assert clock.slept_us == 10_000
    assert tape.take() == []


FRAME = ReceivedFrame(
    payload=b"\x01\x02",
    modulation=Lora(sf=7),
    frequency_hz=Hz(868_100_000),
    frequency_offset_hz=Hz(-98),
    counter_us=Micros((1 << 32) + 77),
    rf_chain=1,
    if_channel=0,
    modem=3,
    crc=Crc.OK,
    rssi_channel_dbm=Dbm(-93.364),
    rssi_signal_dbm=Dbm(-95.0),
    snr_db=9.5,
    crc16=0x7544,
    fine_ns=5,
)


def test_a_packet_line_has_the_references_keys() -> None:
    printer = PacketPrinter(SETTINGS)

    assert [line(row) for row in printer.fields([FRAME])] == [
        "PKT if=0 rf=1 modem=3 freq=868100000 foff=-98 status=0x10 count_us=77 mod=0x10 bw=4 dr=7 cr=1 "
        "rssic=-93.36 rssis=-95.00 snr=9.50 crc=7544 size=2 ftime_ok=1 ftime=5 pl=0102"
    ]


def test_an_fsk_packet_shows_the_offset_that_stood_in_its_place() -> None:
    settings = replace(SETTINGS, fsk=FskModem(channel=Channel(rf_chain=1, if_hz=0, bandwidth_hz=250_000)))
    printer = PacketPrinter(settings)
    fsk = replace(FRAME, modulation=Fsk(), crc=Crc.BAD, fine_ns=None, frequency_offset_hz=Hz(0))
    (before,) = printer.fields([fsk])
    printer.fields([FRAME])

    (after,) = printer.fields([fsk])

    assert (before["foff"], after["foff"]) == ("0", "-98")
    assert (after["mod"], after["bw"], after["dr"], after["cr"]) == ("0x20", "5", "50000", "0")
    assert after["status"] == "0x11"


def golden(**expected: object) -> Golden:
    phase = Phase(name="start", expected={"phase": "start", **expected})
    return Golden(configuration={}, eui="", temperature_c=None, phases=(phase,))


def replayed(*lines: str, **changes: object) -> list[Replayed]:
    return [replace(Replayed(name="start", lines=list(lines)), **changes)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("expected", "ours", "found"),
    [
        ({"registers": {"5601": "13"}}, replayed("0 W 5600 2 0013"), []),
        (
            {"registers": {"5601": "13"}},
            replayed("0 W 5601 1 12"),
            ["start: register 5601: 12, the reference: 13"],
        ),
        (
            {"registers": {"5601": "13"}},
            replayed("0 R 5601 1 13"),
            ["start: register 5601: never written, the reference: 13"],
        ),
        ({"radio": ["1 R c0 1"]}, replayed("1 R c0 1 00 > 24"), []),
        (
            {"radio": ["1 W 80 1 00"]},
            replayed("1 W 80 1 01"),
            ["start: radio command 0: 1 W 80 1 01, the reference: 1 W 80 1 00"],
        ),
        ({"radio": []}, replayed("1 W 80 1 01"), ["start: 1 times radio command, the reference: 0"]),
        ({"radio": ["L W 0d 6 80000033"]}, replayed("L W 0d 6 80000099"), []),
        ({"firmware": [["0000", 1024, "sha256:x"]]}, replayed("0 W 0000 1024 sha256:y"), []),
        (
            {"firmware": [["0000", 1024, "sha256:x"]]},
            replayed("0 W 0400 1024 sha256:y"),
            ["start: firmware piece 0: ('0400', 1024), the reference: ('0000', 1024)"],
        ),
        ({"packets": [{"if": "0"}]}, replayed(packets=[{"if": "0"}]), []),
        (
            {"packets": [{"if": "0"}]},
            replayed(packets=[{"if": "1"}]),
            ["start: packet 0, if: 1, the reference: 0"],
        ),
        ({"packets": [{"if": "0"}]}, replayed(), ["start: 0 packets, the reference: 1"]),
        ({"refused": True}, replayed(), ["start: refused 'nothing', the reference: True"]),
        ({"refused": False}, replayed(refused="why"), ["start: refused 'why', the reference: False"]),
    ],
)
def test_a_comparison_finds_what_differs(
    expected: dict[str, object], ours: list[Replayed], found: list[str]
) -> None:
    assert differences(golden(**expected), ours) == found


def test_memory_counts_transactions_and_sleeps_of_a_phase() -> None:
    memory = Memory()
    memory.follow(["0 R 5606 1 10", "# wait_us 500", "I R 39 1 00", "L W d9 0 -"])
    assert (memory.transactions, memory.slept_us) == (2, 500)
    memory.follow([])
    assert (memory.transactions, memory.slept_us) == (0, 0)


def test_a_timestamp_of_the_protocol_is_placed_near_now() -> None:
    value = {
        "modulation": "LORA", "rf_chain": 0, "power_dbm": 14, "bandwidth_hz": 125000, "datarate": 9,
        "coderate": "4/5", "invert_polarity": True, "preamble": 8, "crc": False, "implicit_header": False,
        "payload": "00", "mode": "timestamped", "freq_hz": 867500000, "count_us": 5,
    }  # fmt: skip

    assert transmission_of(value, Micros((1 << 32) - 10)).at_us == (1 << 32) + 5
