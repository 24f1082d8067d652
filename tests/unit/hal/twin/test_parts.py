"""The small parts one by one: framing, images, radios, SX1261, thermometer, PPS, power."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.board_files import names, read_board
from hal.microcode import Images
from hal.twin.chip import VirtualChip
from hal.twin.clock import VirtualClock
from hal.twin.complaints import Fault
from hal.twin.images import (
    SEMTECH_IMAGES,
    even_parity_bit,
    known_images,
    parity_holds,
    synthetic_agc,
    synthetic_arb,
    synthetic_sx1261,
)
from hal.twin.lines.framing import (
    BODY_LIMIT_BYTES,
    FrameKind,
    FrameRefused,
    decode_header,
    encode,
    encode_i2c,
)
from hal.twin.parts.power import BOARDS, corecell_dbm, rak_dbm
from hal.twin.parts.sx1250 import Sx1250
from hal.twin.parts.sx1261 import Sx1261
from hal.twin.parts.thermometer import Thermometer
from hal.twin.pps import Pps


class TestFraming:
    @given(
        kind=st.sampled_from([FrameKind.SPI, FrameKind.MARK, FrameKind.INJECT]),
        size=st.integers(0, BODY_LIMIT_BYTES),
    )
    def test_what_is_encoded_is_understood(self, kind: FrameKind, size: int) -> None:
        header = decode_header(encode(kind, bytes(size), target=1)[:6])
        assert (header.kind, header.target, header.body_bytes) == (kind, 1, size)

    def test_i2c(self) -> None:
        header = decode_header(encode_i2c(0x39, b"\x01\x02")[:6])
        assert (header.target, header.body_bytes, header.read_bytes) == (0x39, 2, 0)

    @given(header=st.binary(min_size=6, max_size=6))
    def test_any_six_bytes_are_understood_or_refused(self, header: bytes) -> None:
        try:
            size = decode_header(header).body_bytes
        except FrameRefused:
            size = 0
        assert size <= BODY_LIMIT_BYTES

    @pytest.mark.parametrize(
        "header",
        [b"s\0\0\0\0\0", b"S\0\x01\0\x01\0", b"D\0\x07\0\0\0", b"R\0\x01\0\0\0", b"I\x39\x01\0\x01\0"],
    )
    def test_refused(self, header: bytes) -> None:
        with pytest.raises(FrameRefused):
            decode_header(header)


class TestImages:
    def test_synthetic_images_are_what_a_driver_accepts_and_never_change(self) -> None:
        Images(agc=synthetic_agc(), arb=synthetic_arb(), sx1261=synthetic_sx1261())
        digests = [hashlib.sha256(image).hexdigest()[:12] for image in (synthetic_agc(), synthetic_arb())]
        assert digests == ["5c03439ac378", "66987b00c1d8"]

    def test_none_is_semtechs(self) -> None:
        known = known_images()
        assert len(known) == len(SEMTECH_IMAGES) + 3
        for image in (synthetic_agc(), synthetic_arb(), synthetic_sx1261()):
            assert hashlib.sha256(image).hexdigest() not in SEMTECH_IMAGES

    @given(words=st.lists(st.integers(0, 0x3FFF), min_size=1, max_size=50), check=st.integers(0, 1))
    def test_parity_is_even_over_15_bits(self, words: list[int], check: int) -> None:
        sound = b"".join(
            ((word | even_parity_bit(word)) | check << 15).to_bytes(2, "little") for word in words
        )
        assert parity_holds(sound)
        spoiled = bytearray(sound)
        spoiled[0] ^= 0x10
        assert not parity_holds(bytes(spoiled))

    @pytest.mark.parametrize("image", [b"", b"\0"])
    def test_nothing_and_half_a_word_have_no_parity(self, image: bytes) -> None:
        assert not parity_holds(image)


class Heard:
    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def __call__(self, fault: Fault, _: str) -> None:
        self.faults.append(fault)


class TestSx1250:
    def radio(self) -> tuple[Sx1250, Heard]:
        heard = Heard()
        radio = Sx1250("radio_a", heard)
        radio.lines(powered=True, reset_high=True)
        return radio, heard

    def test_registers_keep_what_is_written_until_a_reset(self) -> None:
        radio, heard = self.radio()
        radio.transfer(bytes.fromhex("0d06a10102"))
        assert radio.transfer(bytes.fromhex("1d06a1000000"))[4:].hex() == "0102"
        radio.lines(powered=True, reset_high=False)
        radio.lines(powered=True, reset_high=True)
        assert radio.transfer(bytes.fromhex("1d06a1000000"))[4:].hex() == "0000"
        assert heard.faults == []

    @pytest.mark.parametrize(
        ("frame", "fault"),
        [
            ("82ffffff", Fault.RADIO_COMMAND_IN_WRONG_MODE),
            ("aa00", Fault.RADIO_COMMAND_UNKNOWN),
            ("0d06", Fault.SHORT_TRANSACTION),
        ],
    )
    def test_complaints(self, frame: str, fault: Fault) -> None:
        radio, heard = self.radio()
        radio.transfer(bytes.fromhex(frame))
        assert heard.faults == [fault]

    def test_calibration_belongs_to_standby_rc(self) -> None:
        radio, heard = self.radio()
        radio.transfer(bytes.fromhex("8001"))
        radio.transfer(bytes.fromhex("897f"))
        assert heard.faults == [Fault.RADIO_COMMAND_IN_WRONG_MODE]

    @pytest.mark.parametrize(
        ("frame", "mode"), [("8000", 2), ("8001", 3), ("c1", 4), ("83000000", 6), ("84", 0)]
    )
    def test_modes(self, frame: str, mode: int) -> None:
        radio, _ = self.radio()
        radio.transfer(bytes.fromhex(frame))
        assert radio.transfer(b"\xc0\0")[1] >> 4 == mode

    def test_an_unknown_band_fails_the_image_calibration_and_clearing_forgets_it(self) -> None:
        radio, _ = self.radio()
        radio.transfer(bytes.fromhex("980102"))
        assert radio.transfer(bytes.fromhex("17000000"))[3] == 0x10
        radio.transfer(bytes.fromhex("070000"))
        assert radio.transfer(bytes.fromhex("17000000"))[3] == 0

    @given(frame=st.binary(min_size=1, max_size=300))
    def test_any_frame_is_answered_in_its_length(self, frame: bytes) -> None:
        radio, _ = self.radio()
        assert len(radio.transfer(frame)) == len(frame)


class TestSx1261:
    def radio(self, *, noise_dbm: float = -100.0) -> tuple[Sx1261, Heard, list[int]]:
        heard, now = Heard(), [0]
        return Sx1261(heard, lambda: now[0], noise_dbm=lambda _: noise_dbm), heard, now

    def patch(self, radio: Sx1261, image: bytes) -> None:
        radio.transfer(bytes.fromhex("0d061010"))
        for at in range(0, len(image), 4):
            radio.transfer(b"\x0d" + (0x8000 + at).to_bytes(2, "big") + image[at : at + 4])
        radio.transfer(bytes.fromhex("0d061000"))
        radio.transfer(b"\xd9")

    def version(self, radio: Sx1261) -> bytes:
        return radio.transfer(bytes.fromhex("1d0320") + bytes(16))[4:]

    def test_the_patch_changes_the_version(self) -> None:
        radio, heard, _ = self.radio()
        assert self.version(radio)[:15] == b"SX1261 V2D 2D02"
        self.patch(radio, synthetic_sx1261())
        assert self.version(radio)[:15] == b"SX1261 V2D 2D06"
        assert heard.faults == []
        radio.restart()
        assert self.version(radio)[:15] == b"SX1261 V2D 2D02"

    def test_half_a_patch_changes_nothing(self) -> None:
        radio, heard, _ = self.radio()
        self.patch(radio, synthetic_sx1261()[:-4])
        assert self.version(radio)[:15] == b"SX1261 V2D 2D02"
        assert heard.faults == [Fault.SX1261_PATCH_INCOMPLETE]

    def test_a_patch_needs_its_switch(self) -> None:
        radio, heard, _ = self.radio()
        radio.transfer(bytes.fromhex("0d800012345678"))
        assert heard.faults == [Fault.SX1261_PATCH_INCOMPLETE]

    def test_an_unknown_patch_runs_under_protest(self) -> None:
        radio, heard, _ = self.radio()
        self.patch(radio, bytes(1544))
        assert radio.patched
        assert heard.faults == [Fault.MCU_UNKNOWN_PROGRAM]

    def test_a_scan_takes_its_time_and_counts_every_point(self) -> None:
        radio, heard, now = self.radio(noise_dbm=-101.0)
        radio.patched = True
        radio.transfer(bytes.fromhex("9b07d00b0000000000"))
        read_status = bytes.fromhex("1d07cd0000")
        assert radio.transfer(read_status)[4] == 0x0F
        now[0] = 32_000_000
        assert radio.transfer(read_status)[4] == 0xFF
        results = radio.transfer(bytes.fromhex("1d040100") + bytes(66))[4:]
        counts = [int.from_bytes(results[at : at + 2], "big") for at in range(0, 66, 2)]
        assert sum(counts) == 2000
        assert sum(count * -4 * level for level, count in enumerate(counts)) / 2000 == pytest.approx(-101)
        assert heard.faults == []

    def test_a_scan_can_be_aborted(self) -> None:
        radio, _, _ = self.radio()
        radio.patched = True
        radio.transfer(bytes.fromhex("9b07d00b0000000000"))
        radio.transfer(bytes.fromhex("0d089b00"))
        assert radio.transfer(bytes.fromhex("1d07cd0000"))[4] == 0xF0

    def test_without_the_patch_scans_are_complaints(self) -> None:
        radio, heard, _ = self.radio()
        radio.transfer(bytes.fromhex("9b07d00b0000000000"))
        radio.transfer(bytes.fromhex("9a0b00188c01"))
        assert heard.faults == [Fault.SX1261_SCAN_UNPATCHED] * 2

    @pytest.mark.parametrize(("noise_dbm", "free"), [(-70.1, True), (-69.9, False)])
    def test_the_lbt_threshold(self, noise_dbm: float, free: bool) -> None:
        radio, _, _ = self.radio(noise_dbm=noise_dbm)
        assert radio.channel_is_free() is None
        radio.patched = True
        radio.transfer(bytes.fromhex("9a0b00188c01"))
        assert radio.channel_is_free() is free
        radio.transfer(bytes.fromhex("0d089b00"))
        assert radio.channel_is_free() is None

    def test_rssi_errors_frequency_and_unknown_commands(self) -> None:
        radio, heard, _ = self.radio(noise_dbm=-93.5)
        assert radio.transfer(bytes.fromhex("150000"))[2] == 187
        radio.transfer(bytes.fromhex("980102"))
        assert radio.transfer(bytes.fromhex("17000000"))[3] == 0x10
        radio.transfer(bytes.fromhex("8636380000"))
        assert radio.frequency_hz == 867_500_000
        radio.transfer(bytes.fromhex("aa"))
        assert heard.faults == [Fault.SX1261_COMMAND_UNKNOWN]

    @given(frame=st.binary(max_size=300))
    def test_any_frame_is_answered_in_its_length(self, frame: bytes) -> None:
        radio, _, _ = self.radio()
        assert len(radio.transfer(frame)) == len(frame)


READ_FREQUENCY = bytes.fromhex("1d088b0000000000")
"""What libloragw's own tests ask both radios for, to see whether the bus carries what it should."""


def test_the_frequency_can_be_read_back_from_both_radios() -> None:
    radio, _ = TestSx1250().radio()
    listener, _, _ = TestSx1261().radio()
    for each in (radio, listener):
        each.transfer(bytes.fromhex("8636380000"))
        assert each.transfer(READ_FREQUENCY)[4:] == bytes.fromhex("36380000")


class TestThermometer:
    @pytest.mark.parametrize(
        ("celsius", "high", "low"),
        [(25.5, 0x19, 0x80), (0, 0, 0), (-3.25, 0xFC, 0xC0), (60.0625, 0x3C, 0x10)],
    )
    def test_temperatures_in_two_bytes(self, celsius: float, high: int, low: int) -> None:
        sensor = Thermometer(temperature_c=celsius)
        sensor.write(0x39, b"\x00")
        assert sensor.read(0x39, 1) == bytes((high,))
        sensor.write(0x39, b"\x02")
        assert sensor.read(0x39, 1) == bytes((low,))

    def test_configuration_is_kept_and_identity_is_not_writable(self) -> None:
        sensor = Thermometer(address=0x3B)
        assert sensor.write(0x3B, b"\x03\x8c")
        assert sensor.write(0x3B, b"\xfe\x00")
        sensor.write(0x3B, b"\x03")
        assert sensor.read(0x3B, 1) == b"\x8c"
        sensor.write(0x3B, b"\xfe")
        assert sensor.read(0x3B, 1) == b"\x53"
        assert sensor.read(0x39, 1) is None
        assert sensor.write(0x3B, b""), "a probe"
        sensor.missing = True
        assert not sensor.write(0x3B, b"\x00")


class TestPps:
    @given(phase=st.integers(-(10**9), 10**9), period=st.integers(1, 10**8), now=st.integers(0, 10**12))
    def test_edges_surround_now_by_one_period(self, phase: int, period: int, now: int) -> None:
        pps = Pps(phase_ticks=phase, period_ticks=period)
        assert pps.last(now) <= now < pps.next(now) == pps.last(now) + period
        assert (pps.last(now) - phase) % period == 0

    def test_a_period_is_positive(self) -> None:
        with pytest.raises(ValueError, match="period_ticks"):
            Pps(period_ticks=0)


@pytest.mark.parametrize("name", names())
def test_a_board_transmits_what_its_own_table_says(name: str) -> None:
    for gain in read_board(name).radio.gains:
        assert BOARDS[name]((gain.pa_gain > 0) << 6 | gain.power_index) == gain.power_dbm


@given(index=st.integers(0, 0x3E), pa=st.booleans())
def test_power_grows_with_its_index(index: int, pa: bool) -> None:
    register = index | (0x40 if pa else 0)
    for power_dbm in (corecell_dbm, rak_dbm):
        assert power_dbm(register) < power_dbm(register + 1)


def test_the_frequency_of_a_radio_can_be_read_back() -> None:
    chip = VirtualChip(clock=VirtualClock())
    chip.transfer(bytes((0, 0xD7, 0x83, 0x0C)))
    raw = bytes.fromhex("36400001")
    chip.transfer(b"\x01\x86" + raw)
    chip.transfer_sx1261(b"\x86" + raw)
    assert chip.transfer(bytes.fromhex("011d088b00") + bytes(4))[-4:] == raw
    assert chip.transfer_sx1261(bytes.fromhex("1d088b00") + bytes(4))[-4:] == raw


def test_a_capture_of_samples_completes() -> None:
    chip = VirtualChip(clock=VirtualClock())
    status = bytes((0, 0x60, 0x05, 0, 0))
    for config, complete in ((0x10, 0), (0x12, 1), (0x10, 0)):
        chip.transfer(bytes((0, 0xE0, 0x00, config)))
        assert chip.transfer(status)[4] == complete
