"""Frames at the antenna: who is heard, what the FIFO then holds, and who is not heard and why."""

import binascii
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.packets import Crc, Fsk, Lora
from hal.twin.chip import VirtualChip
from hal.twin.clock import VirtualClock
from hal.twin.parts.fifo import FIFO_LIMIT_BYTES
from hal.twin.reception.fifo_render import lora_crc16
from hal.twin.rf_event import ReceptionVerdict, RfEvent
from hal.twin.symbols import legacy_delay_us, lora_air_time_us
from tests.unit.hal.twin.bring_up import RawHost, started

EVENT = RfEvent(payload=b"bonjour", modulation=Lora(sf=7), frequency_hz=868_100_000, rssi_dbm=-93, snr_db=9.5)


@pytest.fixture
def chip() -> VirtualChip:
    return VirtualChip(clock=VirtualClock())


@pytest.fixture
def host(chip: VirtualChip) -> RawHost:
    return started(chip)


def test_a_lora_frame_in_the_layout_of_the_silicon(chip: VirtualChip, host: RawHost) -> None:
    now = chip.now_ticks()
    assert chip.inject(EVENT) is ReceptionVerdict.HEARD
    frame = host.fetch()
    assert frame[:6] == bytes((0xA5, 0xC0, 7, 0, 0x73, 0))
    assert int.from_bytes(frame[6:9], "little") == round(97.65625 / 0.11920929)
    assert frame[9:16] == b"bonjour"
    flags, snr, rssi, signal = frame[16:20]
    assert (flags, snr, rssi, signal) == (0, 38, 121, 121)
    stamp = int.from_bytes(frame[22:26], "little")
    assert stamp == now
    assert int.from_bytes(frame[26:28], "little") == lora_crc16(b"bonjour")
    assert frame[28] == 0
    assert frame[29] == sum(frame[:29]) & 0xFF
    assert len(frame) == 9 + 7 + 14


@pytest.mark.parametrize(
    ("frequency_hz", "channel"), [(868_100_000, 0), (868_500_000, 2), (867_100_000, 3), (867_900_000, 7)]
)
def test_each_frequency_goes_to_its_channel(
    chip: VirtualChip, host: RawHost, frequency_hz: int, channel: int
) -> None:
    assert chip.inject(replace(EVENT, frequency_hz=frequency_hz)) is ReceptionVerdict.HEARD
    assert host.fetch()[3] == channel


def test_service_and_fsk_modems(chip: VirtualChip, host: RawHost) -> None:
    fast = Lora(sf=7, bandwidth_hz=250_000)
    assert chip.inject(replace(EVENT, modulation=fast, frequency_hz=868_300_000)) is ReceptionVerdict.HEARD
    assert chip.inject(replace(EVENT, modulation=Fsk(), frequency_hz=868_800_000)) is ReceptionVerdict.HEARD
    frames = host.fetch()
    assert (frames[3], frames[5]) == (8, 16)
    assert (frames[30 + 3], frames[30 + 4], frames[30 + 5]) == (9, 1, 17)


UNHEARD = [
    (
        replace(EVENT, modulation=Fsk(), frequency_hz=868_800_000, fsk_sync_word=b"\x12\x34\x56"),
        ReceptionVerdict.WRONG_SYNC_WORD,
    ),
    (replace(EVENT, low_data_rate=True), ReceptionVerdict.WRONG_LOW_DATA_RATE),
    (replace(EVENT, implicit_header=True), ReceptionVerdict.WRONG_HEADER),
    (
        replace(
            EVENT,
            modulation=Lora(sf=7, bandwidth_hz=250_000),
            frequency_hz=868_300_000,
            implicit_header=True,
        ),
        ReceptionVerdict.WRONG_HEADER,
    ),
    (replace(EVENT, modulation=Lora(sf=12), low_data_rate=False), ReceptionVerdict.WRONG_LOW_DATA_RATE),
    (
        replace(
            EVENT,
            modulation=Lora(sf=7, bandwidth_hz=250_000),
            frequency_hz=868_300_000,
            low_data_rate=True,
        ),
        ReceptionVerdict.WRONG_LOW_DATA_RATE,
    ),
    (replace(EVENT, frequency_hz=869_525_000), ReceptionVerdict.NO_CHANNEL),
    (replace(EVENT, frequency_error_hz=40_000), ReceptionVerdict.NO_CHANNEL),
    (replace(EVENT, modulation=Lora(sf=7, bandwidth_hz=500_000)), ReceptionVerdict.NO_CHANNEL),
    (
        replace(EVENT, modulation=Fsk(bitrate_bps=100_000), frequency_hz=868_800_000),
        ReceptionVerdict.NO_CHANNEL,
    ),
    (replace(EVENT, inverted=True), ReceptionVerdict.NO_CHANNEL),
    (replace(EVENT, public=False), ReceptionVerdict.WRONG_SYNC_WORD),
]


@pytest.mark.parametrize(("event", "verdict"), UNHEARD)
def test_what_the_registers_do_not_listen_to_is_not_heard(
    chip: VirtualChip, host: RawHost, event: RfEvent, verdict: ReceptionVerdict
) -> None:
    assert chip.inject(event) is verdict
    assert chip.verdicts == {verdict: 1}
    assert host.fetch() == b""


def test_sf5_has_no_public_sync_word(chip: VirtualChip, host: RawHost) -> None:
    assert chip.inject(replace(EVENT, modulation=Lora(sf=5), public=False)) is ReceptionVerdict.HEARD


def test_a_disabled_sf_or_channel_is_deaf(chip: VirtualChip, host: RawHost) -> None:
    host.write(0x5822, 0xFB)
    assert chip.inject(EVENT) is ReceptionVerdict.NO_CHANNEL
    assert chip.inject(replace(EVENT, modulation=Lora(sf=8))) is ReceptionVerdict.HEARD
    host.write(0x5821, 0xFE)
    assert chip.inject(replace(EVENT, modulation=Lora(sf=8))) is ReceptionVerdict.NO_CHANNEL


def test_a_private_network_hears_private_frames(chip: VirtualChip) -> None:
    started(chip, public=False)
    assert chip.inject(EVENT) is ReceptionVerdict.WRONG_SYNC_WORD
    assert chip.inject(replace(EVENT, public=False)) is ReceptionVerdict.HEARD


def test_nothing_is_heard_before_start_nor_after_a_reset(chip: VirtualChip) -> None:
    assert chip.inject(EVENT) is ReceptionVerdict.NOT_RUNNING
    started(chip)
    assert chip.inject(EVENT) is ReceptionVerdict.HEARD
    chip.reset()
    assert chip.inject(EVENT) is ReceptionVerdict.NOT_RUNNING
    assert chip.fifo_free_bytes == FIFO_LIMIT_BYTES


def test_what_is_being_demodulated_is_lost_with_a_reset_and_counted(chip: VirtualChip, host: RawHost) -> None:
    chip.inject(replace(EVENT, ends_at_ticks=chip.now_ticks() + 32_000_000))
    chip.reset()
    assert chip.verdicts == {ReceptionVerdict.PENDING: 1, ReceptionVerdict.NOT_RUNNING: 1}


@pytest.mark.parametrize(
    ("crc", "flags", "present", "same"),
    [(Crc.OK, 0, 1, True), (Crc.BAD, 1, 1, False), (Crc.ABSENT, 0, 0, False)],
)
def test_crc_verdicts(
    chip: VirtualChip, host: RawHost, crc: Crc, flags: int, present: int, same: bool
) -> None:
    chip.inject(replace(EVENT, crc=crc))
    frame = host.fetch()
    assert (frame[16], frame[4] & 1) == (flags, present)
    assert (int.from_bytes(frame[26:28], "little") == lora_crc16(b"bonjour")) is same


@pytest.mark.parametrize("error_hz", [-20_000, -47, 0, 1, 12_345])
def test_the_frequency_error_is_measured_against_the_true_channel(
    chip: VirtualChip, host: RawHost, error_hz: int
) -> None:
    chip.inject(replace(EVENT, frequency_hz=868_500_000, frequency_error_hz=error_hz))
    raw = int.from_bytes(host.fetch()[6:9], "little")
    raw -= (raw & 0x80000) << 1
    assert raw * 0.11920929 == pytest.approx(-error_hz, abs=1)


def test_a_frame_that_ends_later_comes_later(chip: VirtualChip, host: RawHost) -> None:
    ends = chip.now_ticks() + 32_000_000
    assert chip.inject(replace(EVENT, ends_at_ticks=ends)) is ReceptionVerdict.PENDING
    assert host.fetch() == b""
    chip.delay_ns(1_000_000_000)
    assert host.fetch() == b"", "it is still being decoded"
    chip.delay_ns(10_000_000)
    frame = host.fetch()
    stamp = int.from_bytes(frame[22:26], "little")
    assert stamp - ends == legacy_delay_us(Lora(sf=7), 7, crc=True, peak_interpolation=True) * 32
    assert chip.verdicts == {ReceptionVerdict.PENDING: 1, ReceptionVerdict.HEARD: 1}


def test_the_seventeenth_frame_at_once_finds_no_demodulator(chip: VirtualChip, host: RawHost) -> None:
    ends = chip.now_ticks() + 10 * 32_000_000
    slow = replace(EVENT, modulation=Lora(sf=12), ends_at_ticks=ends)
    for _ in range(17):
        chip.inject(slow)
    chip.delay_ns(11_000_000_000)
    assert chip.verdicts[ReceptionVerdict.HEARD] == 16
    assert chip.verdicts[ReceptionVerdict.NO_MODEM] == 1
    frames = host.fetch()
    assert {frames[5 + 30 * index] for index in range(16)} == set(range(16))


def test_frames_that_follow_each_other_share_demodulators(chip: VirtualChip, host: RawHost) -> None:
    air_ticks = lora_air_time_us(Lora(sf=7), 7) * 32
    for index in range(1, 41):
        chip.inject(replace(EVENT, ends_at_ticks=chip.now_ticks() + index * air_ticks))
    chip.delay_ns(5_000_000_000)
    assert chip.verdicts[ReceptionVerdict.HEARD] == 40


def test_a_full_fifo_loses_whole_frames_and_counts_them(chip: VirtualChip, host: RawHost) -> None:
    big = replace(EVENT, payload=bytes(255))
    fits = FIFO_LIMIT_BYTES // 278
    verdicts = [chip.inject(big) for _ in range(fits + 2)]
    assert verdicts == [ReceptionVerdict.HEARD] * fits + [ReceptionVerdict.FIFO_FULL] * 2
    assert chip.lost_fifo_full == 2
    assert chip.fifo_free_bytes == FIFO_LIMIT_BYTES - fits * 278
    assert len(host.fetch()) == fits * 278
    assert chip.inject(big) is ReceptionVerdict.HEARD


def test_the_fifo_is_popped_across_bursts(chip: VirtualChip, host: RawHost) -> None:
    chip.inject_fifo(bytes(range(200)))
    assert host.read(0x4000, 150) + host.read(0x4000, 50) == bytes(range(200))
    assert host.read(0x58C8, 2) == b"\0\0"


@given(
    payload=st.binary(max_size=255),
    sf=st.integers(7, 12),
    rssi=st.integers(-137, -20),
    snr=st.integers(-20, 20),
)
def test_any_frame_is_rendered_whole(payload: bytes, sf: int, rssi: int, snr: int) -> None:
    chip = HEARING
    event = RfEvent(
        payload=payload, modulation=Lora(sf=sf), frequency_hz=868_300_000, rssi_dbm=rssi, snr_db=float(snr)
    )
    assert chip.inject(event) is ReceptionVerdict.HEARD
    frame = RawHost(chip.transfer).fetch()
    size = len(payload)
    assert frame[9 : 9 + size] == payload
    assert frame[-1] == sum(frame[:-1]) & 0xFF
    assert (frame[10 + size] ^ 0x80) - 0x80 == snr * 4
    assert abs(frame[11 + size] - 215.4 + 1.04 - rssi) <= 0.5


HEARING = VirtualChip(clock=VirtualClock())
started(HEARING)


def test_crc16_agrees_with_the_bitwise_definition() -> None:
    """FACTS §8: CRC-CCITT over all but the last two bytes, XOR those two."""
    payload = bytes(range(40))
    assert lora_crc16(payload) == binascii.crc_hqx(payload[:-2], 0) ^ (payload[-2] << 8 | payload[-1])
    assert [lora_crc16(payload[:size]) for size in (0, 1, 2)] == [0, 0, 0x0001]


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, ReceptionVerdict.HEARD),
        ({"payload": b"longer than 7"}, ReceptionVerdict.WRONG_HEADER),
        ({"crc": Crc.ABSENT}, ReceptionVerdict.WRONG_HEADER),
        ({"implicit_header": False}, ReceptionVerdict.WRONG_HEADER),
        ({"modulation": Lora(sf=7, bandwidth_hz=250_000, coding_rate=3)}, ReceptionVerdict.WRONG_HEADER),
    ],
)
def test_without_a_header_all_of_it_must_be_known_before(
    chip: VirtualChip, host: RawHost, change: dict[str, object], verdict: ReceptionVerdict
) -> None:
    host.write(0x5B22, 0x89, 0x17, len(EVENT.payload))
    event = replace(
        EVENT,
        modulation=Lora(sf=7, bandwidth_hz=250_000),
        frequency_hz=868_300_000,
        implicit_header=True,
    )
    assert chip.inject(replace(event, **change)) is verdict  # type: ignore[arg-type]
