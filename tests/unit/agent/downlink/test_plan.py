"""EU868 as EN 300 220-2 has it, and how loud a downlink leaves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.downlink.antenna import Antenna, Suited, choose_power
from agent.downlink.model import Downlink, Immediate
from agent.downlink.plan import HOUR_US, PlanError, load_plan, occupied_hz, parse_plan
from hal.packets import Fsk, Lora
from hal.units import Hz

EU868 = load_plan("EU868")
TABLE = tuple(range(12, 28))


@pytest.mark.parametrize(
    ("frequency_hz", "band", "erp_dbm", "per_hour_s"),
    [
        (867_100_000, "L", 14, 36),
        (868_100_000, "M", 14, 36),
        (868_500_000, "M", 14, 36),
        (868_800_000, "N", 14, 3.6),
        (864_500_000, "K", 14, 3.6),
        (869_525_000, "P", 27, 360),
        (869_850_000, "R", 14, 36),
    ],
)
def test_bands(frequency_hz: int, band: str, erp_dbm: float, per_hour_s: float) -> None:
    found = EU868.band_of(frequency_hz, Lora(sf=9))
    assert found is not None
    assert (found.name, found.erp_dbm, found.airtime_limit_us) == (band, erp_dbm, per_hour_s * 1_000_000)


@pytest.mark.parametrize(
    "frequency_hz",
    [862_900_000, 863_062_499, 868_537_501, 868_650_000, 869_300_000, 869_650_000, 869_937_501, 470_300_000],
)
def test_nothing_is_sent_outside_a_band_not_even_half_a_channel(frequency_hz: int) -> None:
    assert EU868.band_of(frequency_hz, Lora(sf=9)) is None


def test_a_wide_channel_needs_its_whole_width() -> None:
    assert EU868.band_of(868_300_000, Lora(sf=7, bandwidth_hz=250_000)) is not None
    assert EU868.band_of(868_500_000, Lora(sf=7, bandwidth_hz=250_000)) is None
    assert EU868.band_of(868_800_000, Fsk(bitrate_bps=50_000, deviation_hz=25_000)) is not None


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "band"),
        ({"name": "X", "band": [{"name": "A"}]}, "from_hz"),
        ({"name": "X", "band": [], "beacon": {"sf": 9}}, "frequency_hz"),
    ],
)
def test_a_plan_that_is_wrong_says_where(document: dict[str, object], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        parse_plan(document)


def test_bands_that_overlap_and_regions_that_are_not_there() -> None:
    row = {"name": "A", "from_hz": 1, "to_hz": 10, "erp_dbm": 1.0, "duty_per_mille": 1}
    with pytest.raises(PlanError, match="overlap"):
        parse_plan({"name": "X", "band": [row, row | {"name": "B", "from_hz": 9, "to_hz": 20}]})
    with pytest.raises(PlanError, match="region: US915"):
        load_plan("US915")


@pytest.mark.parametrize(
    ("asked", "frequency_hz", "gain_db", "loss_db", "conducted", "as_asked"),
    [
        (14, 868_100_000, 0, 0, 14, True),
        (14, 868_100_000, 2, 0, 12, True),
        (16, 868_100_000, 0, 0, 16, True),
        (27, 868_100_000, 0, 0, 16, False),
        (None, 868_100_000, 0, 0, 16, True),
        (27, 869_525_000, 0, 0, 27, True),
        (27, 869_525_000, 6, 1, 22, True),
        (14, 868_100_000, 3, 0, 12, False),
        (5, 868_100_000, 0, 0, 12, False),
        (14, 868_100_000, 0, 3, 17, True),
    ],
)
def test_power(
    asked: float | None, frequency_hz: int, gain_db: float, loss_db: float, conducted: float, as_asked: bool
) -> None:
    band = EU868.band_of(frequency_hz, Lora(sf=9))
    assert band is not None
    power = choose_power(asked, band, TABLE, gain_db=gain_db, loss_db=loss_db)
    assert power is not None
    assert (power.conducted_dbm, power.as_asked) == (conducted, as_asked)


def test_an_antenna_too_good_for_the_table_transmits_nothing() -> None:
    band = EU868.band_of(868_100_000, Lora(sf=9))
    assert band is not None
    assert choose_power(14, band, TABLE, gain_db=4.2, loss_db=0) is None
    assert choose_power(14, band, (), gain_db=0, loss_db=0) is None


@given(st.floats(-20, 40), st.floats(0, 15), st.floats(0, 20), st.sampled_from(EU868.bands))
def test_never_louder_than_the_law(asked: float, gain_db: float, loss_db: float, band: object) -> None:
    power = choose_power(asked, band, TABLE, gain_db=gain_db, loss_db=loss_db)  # type: ignore[arg-type]
    if power is not None:
        assert power.conducted_dbm + gain_db - loss_db <= band.erp_dbm + 2.15 + 1e-9  # type: ignore[attr-defined]


@pytest.mark.parametrize(("asked", "chain"), [(0, 1), (1, 1), (2, 2), (7, 1)])
def test_a_chain_that_cannot_transmit_leaves_it_to_the_first_that_can(asked: int, chain: int) -> None:
    antenna = Antenna(plan=EU868, gain_db=0, loss_db=0, powers_dbm=((), (14,), (14,)))
    suited = antenna.suit(
        Downlink(
            payload=b"x",
            modulation=Lora(sf=7),
            frequency_hz=Hz(868_100_000),
            timing=Immediate(),
            power_dbm=14,
            rf_chain=asked,
        )
    )
    assert isinstance(suited, Suited)
    assert suited.transmission.rf_chain == chain


def test_the_width_of_a_channel() -> None:
    assert occupied_hz(Lora(sf=7, bandwidth_hz=250_000)) == 250_000
    assert occupied_hz(Fsk(bitrate_bps=50_000, deviation_hz=20_000)) == 90_000


def test_an_hour() -> None:
    assert HOUR_US == 3600 * 1_000_000
