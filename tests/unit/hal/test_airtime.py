"""Time on air against published vectors, and where it differs from the reference on purpose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.airtime import fsk_us, lora_us, low_data_rate, reference_lora_us
from hal.packets import Fsk, Lora

loras = st.builds(
    Lora,
    sf=st.integers(5, 12),
    bandwidth_hz=st.sampled_from([125_000, 250_000, 500_000]),
    coding_rate=st.integers(1, 4),
)


@pytest.mark.parametrize(
    ("sf", "expected_us"),
    [(7, 41_216), (8, 72_192), (9, 144_384), (10, 288_768), (11, 577_536), (12, 991_232)],
)
def test_ten_bytes_at_125_khz(sf: int, expected_us: int) -> None:
    # lorawan-stack pkg/toa/toa_test.go
    assert lora_us(Lora(sf=sf), 10) == expected_us


def test_sf12_at_500_khz_is_not_slow() -> None:
    modulation = Lora(sf=12, bandwidth_hz=500_000)

    # a downlink: no CRC
    assert lora_us(modulation, 20, crc=False) == 288_768
    assert reference_lora_us(modulation, 20, preamble_symbols=8, header=True, crc=False) == 329_728


@given(loras, st.integers(0, 254))
def test_a_longer_payload_is_never_shorter_on_air(modulation: Lora, size: int) -> None:
    assert lora_us(modulation, size) <= lora_us(modulation, size + 1)


@given(loras)
def test_slow_means_sixteen_milliseconds_a_symbol(modulation: Lora) -> None:
    assert low_data_rate(modulation) == ((1 << modulation.sf) / modulation.bandwidth_hz >= 0.016)


def test_fsk_counts_its_frame() -> None:
    assert fsk_us(Fsk(), 17) == 8 * (5 + 3 + 1 + 17 + 2) * 20


@pytest.mark.parametrize(("sf", "expected_us"), [(5, 12_096), (6, 21_632), (7, 41_216)])
def test_the_two_fastest_factors_have_a_longer_sync_and_no_spare_bits(sf: int, expected_us: int) -> None:
    """By hand: 6.25 symbols of sync below SF7 (4.25 above), and 8 bits less in the first block (AN1200.13).

    SF6: 80 + 16 - 24 + 20 = 92 bits, 4 blocks of 24, 20 symbols; (8 + 6.25 + 8 + 20) × 512 us.
    """
    assert lora_us(Lora(sf=sf), 10) == expected_us
