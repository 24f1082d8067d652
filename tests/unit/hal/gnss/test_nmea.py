"""Sentences at their shortest and with every field empty that a receiver may leave empty."""

from datetime import UTC, datetime

import pytest

from hal.gnss import nmea
from tests.unit.hal.gnss.test_gnss import sentence

RMC = "GPRMC,235959.{},A,4807.038,N,01131.000,E,022.4,084.4,311226"
GGA = "GPGGA,123519,4807.038,{},01131.000,{},{},{},{},{}"


def test_a_sentence_that_ends_with_the_last_field_we_need_is_taken_and_a_shorter_is_not() -> None:
    for body in (RMC.format("00"), GGA.format("N", "E", 1, 8, 0.9, 545.4)):
        assert nmea.decode(sentence(body)) is not None
        assert nmea.decode(sentence(body.rpartition(",")[0])) is None


@pytest.mark.parametrize(
    ("fraction", "microsecond"), [("00", 0), ("25", 250_000), ("999999", 999_999), ("000001", 1)]
)
def test_a_fraction_of_a_second_is_kept_to_the_microsecond(fraction: str, microsecond: int) -> None:
    found = nmea.decode(sentence(RMC.format(fraction)))
    assert isinstance(found, nmea.Rmc)
    assert found.utc == datetime(2026, 12, 31, 23, 59, 59, microsecond, tzinfo=UTC)


@pytest.mark.parametrize(
    ("north", "east", "latitude", "longitude"),
    [("N", "E", 48.1173, 11.516667), ("S", "W", -48.1173, -11.516667), ("N", "W", 48.1173, -11.516667)],
)
def test_south_and_west_are_negative(north: str, east: str, latitude: float, longitude: float) -> None:
    found = nmea.decode(sentence(GGA.format(north, east, 1, 8, 0.9, 545.4)))
    assert isinstance(found, nmea.Gga)
    assert (found.latitude, found.longitude) == (pytest.approx(latitude), pytest.approx(longitude))


def test_empty_fields_are_nothing_and_not_zero_metres() -> None:
    found = nmea.decode(sentence("GPGGA,123519,,,,,,,,"))
    assert found == nmea.Gga(
        quality=0, satellites=0, hdop=None, altitude_m=None, latitude=None, longitude=None
    )


@pytest.mark.parametrize("parts", ["RMC,,A,4807.038,N,01131.000,E,0,0,311226", "RMC,235959,A,,,,,0,0,"])
def test_without_clock_or_date_there_is_no_instant(parts: str) -> None:
    found = nmea.decode(sentence(f"GP{parts}"))
    assert isinstance(found, nmea.Rmc)
    assert found.utc is None
