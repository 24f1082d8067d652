import pytest

from fleet.airtime.capacity import LOAD_LIMIT
from fleet.airtime.growth import DAYS_LEAST, Growth, days_until, growth_of, sensors_when_full


def test_growth_needs_its_days_and_passes_over_days_without_sketches() -> None:
    counts = [(day, 100 + 2 * day) for day in range(DAYS_LEAST)]
    assert growth_of(counts[1:]) is None
    assert growth_of([]) is None
    assert growth_of([(0, 100), *((day, 0) for day in range(1, 9)), *counts[9:]]) == Growth(
        sensors=126, per_day=2.0
    )


@pytest.mark.parametrize(
    ("load", "sensors", "full"), [(LOAD_LIMIT / 4, 50_000, 200_000), (0.0, 50_000, None), (0.1, 0, None)]
)
def test_the_load_follows_the_network(load: float, sensors: int, full: int | None) -> None:
    assert sensors_when_full(load, sensors) == full


def test_when_it_is_full() -> None:
    assert days_until(Growth(sensors=100, per_day=2.0), 150) == 25
    assert days_until(Growth(sensors=100, per_day=2.0), 100) == 0
    assert days_until(Growth(sensors=100, per_day=0.0), 150) is None
