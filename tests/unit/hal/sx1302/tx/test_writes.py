"""A transmission as register writes: gains, delays, order, limits."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.board_files import choose
from hal.errors import OurMistake
from hal.packets import Cw, Fsk, Lora, Transmission, TxTrigger
from hal.registers import BY_NAME
from hal.settings import Gain
from hal.sx1302.tx.start_delay import FSK_START_DELAY_TICKS, start_delay_ticks
from hal.sx1302.tx.writes import CHAIN_STEP, program, select_gain
from hal.units import Hz, Micros

SETTINGS = choose("corecell").settings
GAINS = (Gain(power_dbm=12), Gain(power_dbm=14), Gain(power_dbm=27))


def values(transmission: Transmission) -> dict[str, int]:
    by_field = dict(program(transmission, SETTINGS).settings)
    return {name: by_field[field] for name, field in BY_NAME.items() if field in by_field}


def lora(**changes: object) -> Transmission:
    given = {"payload": b"abc", "modulation": Lora(sf=9), "frequency_hz": Hz(867_500_000), "power_dbm": 14}
    return Transmission(**given | changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(("asked", "taken"), [(12, 12), (13.9, 12), (14, 14), (26, 14), (40, 27)])
def test_the_last_gain_that_is_not_louder_is_taken(asked: float, taken: int) -> None:
    assert select_gain(GAINS, asked, strict=True).power_dbm == taken


def test_below_the_table_is_refused_and_only_the_replay_sends_louder() -> None:
    with pytest.raises(OurMistake, match=r"11\.9 dBm is below the gain table's 12 dBm"):
        select_gain(GAINS, 11.9, strict=True)
    assert select_gain(GAINS, 11.9, strict=False).power_dbm == 12


@pytest.mark.parametrize(
    ("sf", "bandwidth_hz", "ticks"),
    [(9, 125_000, 47_413), (10, 125_000, 46_901), (12, 500_000, 47_709), (7, 250_000, 47_692)],
)
def test_start_delays(sf: int, bandwidth_hz: int, ticks: int) -> None:
    # the first and third are those of the recorded sends (0xB935, 0xBA5D)
    assert start_delay_ticks(Lora(sf=sf, bandwidth_hz=bandwidth_hz)) == ticks


def test_fsk_is_brought_forward_by_what_the_register_holds_and_a_carrier_is_not() -> None:
    made = program(replace(lora(), modulation=Fsk()), SETTINGS)
    written = {field.address: value for field, value in made.settings if field.address in (0x5205, 0x5206)}
    assert (written[0x5205] << 8 | written[0x5206]) == start_delay_ticks(Fsk()) == FSK_START_DELAY_TICKS
    assert start_delay_ticks(Cw()) == 0


@given(st.integers(0, 1 << 50))
def test_the_timer_holds_the_instant_less_the_delay(at_us: int) -> None:
    made = program(lora(trigger=TxTrigger.TIMESTAMPED, at_us=Micros(at_us)), SETTINGS)
    ticks = sum(value << 8 * index for index, (_, value) in enumerate(made.timer))

    assert ticks == (at_us * 32 - 47_413) % (1 << 32)
    assert [field.address for field, _ in made.timer] == [0x5204, 0x5203, 0x5202, 0x5201]


@pytest.mark.parametrize(
    ("asked", "modulation", "sent"),
    [(0, Lora(sf=7), 8), (3, Lora(sf=7), 6), (300, Lora(sf=7), 300), (0, Fsk(), 5), (1, Fsk(), 3)],
)
def test_preambles_have_a_default_and_a_least(asked: int, modulation: Lora | Fsk, sent: int) -> None:
    made = values(lora(modulation=modulation, preamble_symbols=asked))
    if isinstance(modulation, Lora):
        high, low = "TX_TOP_A_TXRX_CFG1_3_PREAMBLE_SYMB_NB", "TX_TOP_A_TXRX_CFG1_2_PREAMBLE_SYMB_NB"
    else:
        high, low = (
            "TX_TOP_A_FSK_PREAMBLE_SIZE_MSB_PREAMBLE_SIZE",
            "TX_TOP_A_FSK_PREAMBLE_SIZE_LSB_PREAMBLE_SIZE",
        )

    assert made[high] << 8 | made[low] == sent


@pytest.mark.parametrize(("sf", "peaks"), [(5, (2, 4)), (6, (2, 4)), (7, (6, 8)), (12, (6, 8))])
def test_sf5_and_sf6_are_private_in_a_public_network(sf: int, peaks: tuple[int, int]) -> None:
    made = values(lora(modulation=Lora(sf=sf)))

    assert made["TX_TOP_A_FRAME_SYNCH_0_PEAK1_POS"] == peaks[0]
    assert made["TX_TOP_A_FRAME_SYNCH_1_PEAK2_POS"] == peaks[1]
    assert made["TX_TOP_A_TXRX_CFG0_2_FINE_SYNCH_EN"] == int(sf <= 6)


@pytest.mark.parametrize(
    ("sf", "bandwidth_hz", "slow"), [(11, 125_000, 1), (10, 125_000, 0), (12, 250_000, 1), (12, 500_000, 0)]
)
def test_slow_symbols_are_optimised(sf: int, bandwidth_hz: int, slow: int) -> None:
    made = values(lora(modulation=Lora(sf=sf, bandwidth_hz=bandwidth_hz)))

    assert made["TX_TOP_A_TXRX_CFG0_1_PPM_OFFSET"] == slow


def test_an_fsk_payload_carries_its_length_in_front() -> None:
    assert program(lora(modulation=Fsk()), SETTINGS).payload == b"\x03abc"
    assert program(lora(), SETTINGS).payload == b"abc"


@pytest.mark.parametrize(("offset_hz", "ratio"), [(30_000, 64), (-30_000, 0xC0), (5_000, 32), (0, 0)])
def test_a_carriers_offset_is_a_ratio_of_its_deviation(offset_hz: int, ratio: int) -> None:
    made = values(lora(modulation=Cw(offset_hz=offset_hz)))

    assert made["TX_TOP_A_TX_RFFE_IF_TEST_MOD_FREQ"] == ratio


def test_radio_b_is_radio_a_moved_but_the_mailboxes_are_shared() -> None:
    both = choose("corecell").settings
    radio = both.radios[1]
    assert radio is not None
    enabled = type(both)(
        radios=(both.radios[0], type(radio)(frequency_hz=radio.frequency_hz, tx_enabled=True, gains=GAINS)),
        channels=both.channels,
    )
    first = program(lora(modulation=Fsk()), enabled)
    second = program(lora(modulation=Fsk(), rf_chain=1), enabled)

    moved = [field.address - CHAIN_STEP for field, _ in second.settings if field.address < 0x5600]
    assert moved == [field.address for field, _ in first.settings if field.address < 0x5600]
    assert {field.address for field, _ in second.settings if field.address >= 0x5600} == {
        0x578A,
        0x578B,
        0x578C,
    }
    assert second.payload_address == 0x5500
