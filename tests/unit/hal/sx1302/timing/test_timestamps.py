"""Timestamp corrections against what the reference did with recorded packets; fine time's history."""

import pytest

from hal.packets import Lora
from hal.sx1302.timing.fine_time import FinePacket, PpsHistory, fine_ns, notch_delay_ticks
from hal.sx1302.timing.timestamps import (
    Stamped,
    fsk_correction_us,
    legacy_correction_us,
    precision_correction_us,
)
from hal.units import Ticks32MHz

SECOND = 32_000_000


@pytest.mark.parametrize(
    ("sf", "coding_rate", "payload_bytes", "ticks", "count_us"),
    [
        # eu868_corecell: rx_1_sf7_12B, rx_1_sf12_51B_negfoff, rx_16_mixed (0), rx_8_222B (0)
        (7, 1, 12, 0x04912000, 2_393_900),
        (12, 1, 51, 0x048CE080, 2_370_274),
        (7, 1, 10, 0x048E1380, 2_387_666),
        (7, 1, 222, 0x04941E80, 2_400_032),
    ],
)
def test_the_decoders_delay_is_taken_off(
    sf: int, coding_rate: int, payload_bytes: int, ticks: int, count_us: int
) -> None:
    stamped = Stamped(modulation=Lora(sf=sf, coding_rate=coding_rate), crc=True, payload_bytes=payload_bytes)

    assert ticks // 32 + legacy_correction_us(stamped) == count_us


def test_the_service_modems_bandwidth_counts() -> None:
    stamped = Stamped(modulation=Lora(sf=7, bandwidth_hz=250_000), crc=True, payload_bytes=20)

    assert 0x0493A471 // 32 + legacy_correction_us(stamped) == 2_399_294


@pytest.mark.parametrize(("bitrate_bps", "correction_us"), [(50_000, -7), (1_200, 546), (100_000, -14)])
def test_fsk(bitrate_bps: int, correction_us: int) -> None:
    assert fsk_correction_us(bitrate_bps) == correction_us


def test_precision_stamps_are_moved_to_the_end_of_the_packet() -> None:
    # eu868_sx1303_ftime, rx_1_sf7_12B
    stamped = Stamped(modulation=Lora(sf=7), crc=True, payload_bytes=12)

    assert 0x26E78380 // 32 + precision_correction_us(stamped) == 20_417_545


def history(count: int, period: int = SECOND) -> PpsHistory:
    made = PpsHistory()
    for index in range(count):
        made = made.save(Ticks32MHz(index * period % (1 << 32)))
    return made


def packet(ticks: int, metrics: tuple[int, ...] = (10, -2, -1, 0, 1, 2, -2, -1)) -> FinePacket:
    return FinePacket(sf=7, ticks=Ticks32MHz(ticks), metrics=metrics, if_hz=-400_000, frequency_error=0.0)


def test_no_fine_time_before_sixteen_seconds() -> None:
    assert fine_ns(packet(15 * SECOND + 1000), history(15)) is None
    assert fine_ns(packet(16 * SECOND - 1000), history(16)) is not None


def test_the_same_latch_is_kept_once_and_the_oldest_makes_room() -> None:
    made = history(16).save(Ticks32MHz(15 * SECOND))
    assert made == history(16)

    moved = made.save(Ticks32MHz(16 * SECOND))
    assert moved.latches[0] == 16 * SECOND
    assert moved.newest == 0
    assert len(moved.latches) == 16


def test_a_fast_crystal_is_corrected() -> None:
    exact, fast = history(16), history(16, SECOND + 320)
    offset = 10_000_000
    true = fine_ns(packet(15 * SECOND + offset), exact)
    seen = fine_ns(packet(15 * (SECOND + 320) + offset + offset * 10 // 1_000_000), fast)

    assert true is not None
    assert seen is not None
    assert abs(true - seen) < 200


def test_a_packet_before_the_last_pps_uses_the_one_before() -> None:
    late = fine_ns(packet(15 * SECOND - 10_000_000), history(16))

    assert late is not None
    assert 0 <= late < 1_000_000_000


def test_an_impossible_second_gives_no_fine_time() -> None:
    assert fine_ns(packet(15 * SECOND * 2), history(16, SECOND * 2)) is None
    assert fine_ns(packet(SECOND // 2), PpsHistory((0,) * 16, newest=15)) is None, "one latch all the time"


@pytest.mark.parametrize(("khz", "reach"), [(0.0, True), (75.0, True), (75.1, False), (-400.0, False)])
def test_the_notch_delays_channels_near_the_centre(khz: float, reach: bool) -> None:
    assert (notch_delay_ticks(khz) != 0.0) is reach


@pytest.mark.parametrize(("metric", "expected_ns"), [(0, 1_000_000_000), (-32, 999_999_000), (1, None)])
def test_a_second_is_the_most_that_a_fine_timestamp_says(metric: int, expected_ns: int | None) -> None:
    """The counter stands a whole second behind the PPS: what the metrics add to it belongs to the next."""
    history = PpsHistory(tuple(second * 32_000_000 for second in range(16)), newest=15)
    preamble_ticks = 256 * 128 * 12 + 256 * 31
    packet = FinePacket(
        sf=7,
        ticks=Ticks32MHz(16 * 32_000_000 + preamble_ticks - 2138),
        metrics=(metric, 0),
        if_hz=400_000,
        frequency_error=0.0,
    )
    assert fine_ns(packet, history) == expected_ns
