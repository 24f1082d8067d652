"""Where a person says that a gateway stands: too far away, or latitude and longitude swapped."""

import pytest

from fleet.lang.coordinates import AWAY_LIMIT_KM, DEGREE_KM, away_km, misplaced

TOURS = (47.39, 0.69)
FAR, SWAPPED, RIGHT = "km from the commune", "are swapped", ""


@pytest.mark.parametrize(
    ("lat", "lon", "commune", "words"),
    [
        (*TOURS, TOURS, RIGHT),
        (TOURS[0] + (AWAY_LIMIT_KM - 0.5) / DEGREE_KM, TOURS[1], TOURS, RIGHT),
        (TOURS[0] + (AWAY_LIMIT_KM + 0.5) / DEGREE_KM, TOURS[1], TOURS, FAR),
        (TOURS[0], -TOURS[1], TOURS, FAR),
        (TOURS[1], TOURS[0], TOURS, SWAPPED),
        (2.35, 48.85, TOURS, FAR),
        (*TOURS, None, RIGHT),
        (TOURS[1], TOURS[0], None, SWAPPED),
        (0.0, 0.0, None, RIGHT),
        (41.0, -5.5, None, RIGHT),
        (-5.5, 41.0, None, SWAPPED),
        (10.0, 51.5, None, SWAPPED),
        (10.1, 51.5, None, RIGHT),
        (-5.6, 41.0, None, RIGHT),
        (10.0, 51.6, None, RIGHT),
        (-5.5, 40.9, None, RIGHT),
    ],
)
def test_a_position_is_right_swapped_or_far(lat, lon, commune, words):
    found = misplaced(lat, lon, commune)
    assert (words in found) if words else (found == "")
    if words is SWAPPED:
        assert found.endswith(f"write latitude {lon} and longitude {lat}")


def test_the_distance_is_said_in_whole_km():
    assert misplaced(48.39, 0.69, TOURS).startswith("111 km from the commune")


def test_a_degree_of_longitude_is_shorter_in_the_north():
    assert away_km(0, 0, 0, 1) == pytest.approx(DEGREE_KM)
    assert away_km(0, 0, 1, 0) == pytest.approx(DEGREE_KM)
    assert away_km(60, 0, 60, 1) == pytest.approx(DEGREE_KM / 2)
    assert away_km(60, 2, 60, 0) == pytest.approx(DEGREE_KM)
    assert away_km(1, 1, 0, 1) == away_km(0, 1, 1, 1)
