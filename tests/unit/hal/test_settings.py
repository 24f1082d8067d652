"""What a concentrator cannot serve is refused with the name of the field, before any bus moves."""

from dataclasses import replace

import pytest

from hal.board_files import choose
from hal.errors import OurMistake
from hal.settings import (
    Channel,
    FskModem,
    Gain,
    LbtChannel,
    ListenBeforeTalk,
    LoraService,
    Radio,
    Settings,
    image_band,
)
from hal.units import Hz

GOOD = choose("rak2287").settings
HERE = Channel(rf_chain=0, if_hz=0)


@pytest.mark.parametrize(
    ("frequency_hz", "band"),
    [
        (430_000_001, "6b6f"),
        (486_600_000, "7581"),
        (780_000_000, "c1c5"),
        (863_000_001, "d7db"),
        (869_999_999, "d7db"),
        (922_000_000, "e1e9"),
    ],
)
def test_image_bands(frequency_hz: int, band: str) -> None:
    assert image_band(Hz(frequency_hz)).hex() == band


@pytest.mark.parametrize("frequency_hz", [430_000_000, 863_000_000, 870_000_000, 928_000_000, 2_400_000_000])
def test_where_no_radio_can_be_calibrated(frequency_hz: int) -> None:
    with pytest.raises(OurMistake, match=r"radio centre frequency: .* is in none of the bands 430-440"):
        Radio(frequency_hz=Hz(frequency_hz))


@pytest.mark.parametrize(("if_hz", "bandwidth_hz"), [(737_500, 125_000), (-550_000, 500_000), (0, 500_000)])
def test_a_channel_at_the_limit_is_served(if_hz: int, bandwidth_hz: int) -> None:
    assert Channel(rf_chain=0, if_hz=if_hz, bandwidth_hz=bandwidth_hz).if_hz == if_hz


@pytest.mark.parametrize(
    ("if_hz", "bandwidth_hz"), [(737_501, 125_000), (-737_501, 125_000), (550_001, 500_000)]
)
def test_a_channel_beyond_the_limit_is_not(if_hz: int, bandwidth_hz: int) -> None:
    with pytest.raises(OurMistake, match=r"channel if: IF .* at most 800000"):
        Channel(rf_chain=0, if_hz=if_hz, bandwidth_hz=bandwidth_hz)


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (lambda: Gain(power_dbm=14, pa_gain=4), "pa_gain"),
        (lambda: Gain(power_dbm=14, power_index=23), "pwr_idx"),
        (lambda: Gain(power_dbm=14, digital_gain=4), "dig_gain"),
        (lambda: Radio(frequency_hz=Hz(868_000_000), gains=(Gain(power_dbm=0),) * 17), "tx_gain_lut"),
        (lambda: Radio(frequency_hz=Hz(868_000_000), gains=()), "tx_gain_lut"),
        (lambda: Channel(rf_chain=2, if_hz=0), "channel radio"),
        (lambda: LoraService(channel=HERE, sf=4), "chan_Lora_std spread_factor"),
        (lambda: LoraService(channel=replace(HERE, bandwidth_hz=62_500)), "chan_Lora_std bandwidth"),
        (lambda: FskModem(channel=HERE, bitrate_bps=499), "chan_FSK datarate"),
        (lambda: FskModem(channel=HERE, sync_word=b""), "chan_FSK sync_word"),
        (lambda: lbt(bandwidth_hz=500_000), "lbt channel bandwidth"),
        (lambda: lbt(scan_us=200), "lbt channel scan_time_us"),
        (lambda: ListenBeforeTalk(threshold_dbm=-70, channels=(lbt(),) * 17), "lbt channels"),
        (lambda: replace(GOOD, channels=GOOD.channels[:7]), "channels"),
        (lambda: replace(GOOD, spreading_factors=frozenset({4})), "spreading_factor_enable"),
        (lambda: replace(GOOD, radios=(None, GOOD.radios[1])), "clksrc"),
        (lambda: replace(GOOD, radios=(GOOD.radios[0], None)), "channel radio"),
        (lambda: replace(GOOD, clock_source=2), "clksrc"),
    ],
)
def test_what_cannot_be_served_names_its_field(make: object, where: str) -> None:
    with pytest.raises(OurMistake) as caught:
        make()  # type: ignore[operator]
    assert caught.value.where == where


def lbt(**changes: int) -> LbtChannel:
    given = {
        "frequency_hz": Hz(868_100_000),
        "bandwidth_hz": 125_000,
        "scan_us": 128,
        "transmit_limit_ms": 400,
    }
    return LbtChannel(**given | changes)  # type: ignore[arg-type]


def test_the_reference_frequency_is_radio_0_or_the_only_one() -> None:
    alone = Settings(
        radios=(None, GOOD.radios[1]), channels=(None,) * 8, clock_source=1, service=None, fsk=None
    )

    assert GOOD.reference_hz == 867_500_000
    assert alone.reference_hz == 868_500_000
