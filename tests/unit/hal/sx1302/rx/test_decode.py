"""Raw packets to frames: frequency, strength, verdicts, and duplicates of dual demodulation."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.board_files import choose
from hal.packets import Crc, Lora, ReceivedFrame
from hal.settings import FineTimestampMode, LoraService, Settings, TemperatureCompensation
from hal.sx1302.rx.decode import Decoding, decode, merge_duplicates, single, temperature_offset_db
from hal.sx1302.rx.fifo import RawPacket, lora_crc16
from hal.sx1302.timing.fine_time import PpsHistory
from hal.units import Micros

SETTINGS = choose("corecell").settings
PAYLOAD = b"\x40\x01\x02\x03"
PACKET = RawPacket(
    payload=PAYLOAD,
    channel=0,
    modem=0,
    crc_present=True,
    coding_rate=1,
    sf=7,
    frequency_error=0,
    rssi_channel=121,
    rssi_signal=119,
    snr_quarters=-30,
    ticks=32_000_000,
    crc16=lora_crc16(PAYLOAD),
)


def frames(
    *packets: RawPacket, settings: Settings = SETTINGS, celsius: float | None = 25.5
) -> list[ReceivedFrame]:
    context = Decoding(
        settings=settings, latest_us=Micros(1_250_000), history=PpsHistory(), temperature_c=celsius
    )
    return decode(packets, context, Counter())


def test_strength_is_compensated_for_the_board_and_its_temperature() -> None:
    # eu868_corecell, rx_1_sf7_12B: raw 121 and 119 at 25.5 degrees
    (frame,) = frames(PACKET)
    assert f"{frame.rssi_channel_dbm:.2f} {frame.rssi_signal_dbm:.2f}" == "-93.36 -95.36"

    (uncompensated,) = frames(PACKET, celsius=None)
    assert f"{uncompensated.rssi_channel_dbm:.2f}" == "-94.40"


def test_the_polynomial_has_five_terms() -> None:
    terms = TemperatureCompensation(a=1, b=2, c=3, d=4, e=5)

    assert temperature_offset_db(terms, 2.0) == single((16 + 16 + 12 + 8 + 5) / 65536)


@pytest.mark.parametrize(
    ("raw", "channel", "offset_hz"),
    [(0x334, 0, -1), (0, 2, 0), (-2048, 2, -244), (2048, 2, 244), (0, 0, -98), (0, 7, 98)],
)
def test_frequency_offsets(raw: int, channel: int, offset_hz: int) -> None:
    # the first is recorded; -98 and 98 Hz are what the 13-bit IF register misses at 400 kHz
    (frame,) = frames(replace(PACKET, frequency_error=raw, channel=channel))

    assert frame.frequency_offset_hz == offset_hz


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, Crc.OK),
        ({"crc_error": True}, Crc.BAD),
        ({"crc16": 1}, Crc.BAD),
        ({"crc_present": False}, Crc.ABSENT),
        ({"crc_present": False, "crc16": 1}, Crc.ABSENT),
        ({"payload": b"", "crc16": 7}, Crc.OK),
    ],
)
def test_crc_verdicts(changes: dict[str, object], verdict: Crc) -> None:
    (frame,) = frames(replace(PACKET, **changes))  # type: ignore[arg-type]

    assert frame.crc is verdict


def test_implicit_headers_take_crc_and_coding_rate_from_the_settings() -> None:
    service = SETTINGS.service
    assert isinstance(service, LoraService)
    settings = replace(
        SETTINGS,
        service=replace(service, implicit_header=True, implicit_crc=True, implicit_coding_rate=3),
    )

    (frame,) = frames(replace(PACKET, channel=8, modem=16, crc_present=False), settings=settings)

    assert frame.crc is Crc.OK
    assert frame.modulation == Lora(sf=7, bandwidth_hz=250_000, coding_rate=3)


def test_a_packet_of_no_channel_is_counted_and_left_out() -> None:
    settings = replace(SETTINGS, channels=(None, *SETTINGS.channels[1:]))
    context = Decoding(
        settings=settings, latest_us=Micros(1_250_000), history=PpsHistory(), temperature_c=None
    )
    counts: Counter[str] = Counter()

    assert decode((PACKET,), context, counts) == []
    assert counts["channel_unknown"] == 1


def test_an_undefined_coding_rate_leaves_the_stamp_alone() -> None:
    (frame,) = frames(replace(PACKET, coding_rate=7))

    assert frame.counter_us == 1_000_000
    assert frame.modulation == Lora(sf=7, coding_rate=0)


def twin(at_us: int, **changes: object) -> ReceivedFrame:
    (frame,) = frames(PACKET)
    return replace(frame, counter_us=Micros(at_us), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (twin(100), twin(124), [1]),
        (twin(100), twin(125), [0, 1]),
        (twin(100, fine_ns=5), twin(100), [0]),
        (twin(100), twin(100, fine_ns=5), [1]),
        (twin(100, crc=Crc.BAD, fine_ns=5), twin(100), [1]),
        (twin(100), twin(100, crc=Crc.BAD, fine_ns=5), [0]),
        (twin(100), twin(100, if_channel=1), [0, 1]),
        (twin(100), twin(100, payload=b"x"), [0, 1]),
        (twin(100), twin(100, modulation=Lora(sf=8)), [0, 1]),
        (twin(200), twin(100), [1, 0]),
    ],
)
def test_of_two_demodulations_one_stays(first: ReceivedFrame, second: ReceivedFrame, kept: list[int]) -> None:
    both = [first, second]

    assert merge_duplicates(both) == [both[index] for index in kept]


def test_duplicates_stay_where_nothing_is_demodulated_twice() -> None:
    assert len(frames(PACKET, PACKET)) == 2
    twice = replace(SETTINGS, fine_timestamp=FineTimestampMode.ALL_SF)
    assert len(frames(PACKET, PACKET, settings=twice)) == 1


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 2)), max_size=12))
def test_merging_sorts_and_loses_no_distinct_frame(stamps: list[tuple[int, int]]) -> None:
    made = [twin(at_us * 100, payload=bytes((kind,))) for at_us, kind in stamps]

    merged = merge_duplicates(made)

    assert [frame.counter_us for frame in merged] == sorted(frame.counter_us for frame in merged)
    assert {(frame.counter_us, frame.payload) for frame in merged} == {
        (frame.counter_us, frame.payload) for frame in made
    }
