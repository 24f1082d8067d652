"""Path loss, limits and capture as arithmetic."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.packets import Cw, Fsk, Lora
from hal.twin.propagation import (
    CAPTURE_DB,
    OTHER_SF_REJECTION_DB,
    SNR_LIMIT_DB,
    PathLoss,
    Position,
    Signal,
    distance_km,
    noise_dbm,
    overlaps,
    survives,
)

TOURS = Position(lat=47.39, lon=0.69)
AZAY = Position(lat=47.35, lon=0.85)
SIGNAL = Signal(
    modulation=Lora(sf=7), frequency_hz=868_100_000, rssi_dbm=-100, began_us=1_000_000, ended_us=1_050_000
)


def test_loss_grows_by_the_exponent_each_decade() -> None:
    smooth = PathLoss(shadowing_db=0)
    near, far = Position(lat=0, lon=0.01), Position(lat=0, lon=0.1)
    origin = ("a", Position(lat=0, lon=0))
    assert smooth.between(origin, ("b", far)) - smooth.between(origin, ("b", near)) == pytest.approx(
        23.2, abs=0.01
    )


def test_nobody_is_nearer_than_ten_metres() -> None:
    smooth = PathLoss(shadowing_db=0)
    assert smooth.between(("a", TOURS), ("b", TOURS)) == pytest.approx(128.95 - 2 * 23.2)


@given(seed=st.integers(), one=st.text(), other=st.text())
def test_shadowing_is_mutual_and_of_the_seed(seed: int, one: str, other: str) -> None:
    loss = PathLoss(seed=seed)
    there = loss.between((one, TOURS), (other, AZAY))
    assert (
        there
        == loss.between((other, AZAY), (one, TOURS))
        == PathLoss(seed=seed).between((one, TOURS), (other, AZAY))
    )


def test_shadowing_spreads_as_announced() -> None:
    smooth = PathLoss(shadowing_db=0).between(("g", TOURS), ("s", AZAY))
    spread = [PathLoss().between(("g", TOURS), (f"s{index}", AZAY)) - smooth for index in range(400)]
    assert sum(spread) / 400 == pytest.approx(0, abs=1.5)
    assert (sum(value * value for value in spread) / 400) ** 0.5 == pytest.approx(7.8, abs=1)


def test_distance_is_symmetric_and_zero_at_home() -> None:
    assert distance_km(TOURS, TOURS) == 0
    assert distance_km(TOURS, AZAY) == pytest.approx(distance_km(AZAY, TOURS))


@pytest.mark.parametrize("sf", range(5, 13))
def test_the_snr_limit_of_each_sf(sf: int) -> None:
    lora = Lora(sf=sf)
    floor = noise_dbm(lora) + SNR_LIMIT_DB[sf]
    assert survives(replace(SIGNAL, modulation=lora, rssi_dbm=floor + 0.01), [])
    assert not survives(replace(SIGNAL, modulation=lora, rssi_dbm=floor - 0.01), [])


def test_a_carrier_carries_nothing() -> None:
    assert not survives(replace(SIGNAL, modulation=Cw(), rssi_dbm=0), [])


RIVALS = [
    (replace(SIGNAL, rssi_dbm=-100 - CAPTURE_DB), True),
    (replace(SIGNAL, rssi_dbm=-100 - CAPTURE_DB + 0.1), False),
    (replace(SIGNAL, frequency_hz=868_300_000, rssi_dbm=-20), True),
    (replace(SIGNAL, began_us=1_050_000, ended_us=1_100_000, rssi_dbm=-20), True),
    (replace(SIGNAL, began_us=1_049_999, ended_us=1_100_000, rssi_dbm=-20), False),
    (replace(SIGNAL, modulation=Lora(sf=9), rssi_dbm=-100 - OTHER_SF_REJECTION_DB), True),
    (replace(SIGNAL, modulation=Lora(sf=9), rssi_dbm=-100 - OTHER_SF_REJECTION_DB + 0.1), False),
    (replace(SIGNAL, modulation=Fsk(), rssi_dbm=-85), True),
]


@pytest.mark.parametrize(("rival", "alive"), RIVALS)
def test_capture(rival: Signal, alive: bool) -> None:
    assert survives(SIGNAL, [rival]) is alive


def test_fsk_needs_a_margin_over_lora() -> None:
    fsk = replace(SIGNAL, modulation=Fsk(), rssi_dbm=-80)
    assert survives(fsk, [replace(SIGNAL, rssi_dbm=-86)])
    assert not survives(fsk, [replace(SIGNAL, rssi_dbm=-85)])


times = st.integers(0, 1000)


@given(a=times, b=times, c=times, d=times)
def test_overlap_is_mutual(a: int, b: int, c: int, d: int) -> None:
    one = replace(SIGNAL, began_us=min(a, b), ended_us=max(a, b))
    other = replace(SIGNAL, began_us=min(c, d), ended_us=max(c, d))
    assert overlaps(one, other) == overlaps(other, one)
