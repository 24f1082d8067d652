from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.airtime import capacity
from fleet.airtime.capacity import LOAD_LIMIT, LOAD_PEAK, collisions, fullness, offered


def test_capture_leaves_the_share_that_the_formula_says() -> None:
    assert pytest.approx(0.2270, abs=1e-4) == capacity.CAPTURED
    assert pytest.approx(0.0682, abs=1e-4) == LOAD_LIMIT
    assert pytest.approx(0.6469, abs=1e-4) == LOAD_PEAK


@pytest.mark.parametrize(
    ("load", "share"), [(-1.0, 0.0), (0.0, 0.0), (LOAD_LIMIT, 0.1), (LOAD_PEAK, 1 - exp(-1))]
)
def test_expected_collisions(load: float, share: float) -> None:
    assert collisions(load) == pytest.approx(share)
    assert fullness(LOAD_LIMIT) == 1


@given(st.floats(0, LOAD_PEAK - 1e-6))
def test_the_load_is_found_from_what_was_received(load: float) -> None:
    assert offered(load * (1 - collisions(load))) == pytest.approx(load, abs=1e-5)


def test_beyond_the_peak_nothing_more_is_received() -> None:
    assert offered(0.3) == LOAD_PEAK
