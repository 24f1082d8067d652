"""The clock of Paris: there and back, months and midnights where the hour changes."""

from datetime import UTC, date, datetime, time

from hypothesis import given
from hypothesis import strategies as st

from fleet.durations import HOUR_US
from fleet.facts.months import month_around
from fleet.lang import format as formats
from fleet.lang.paris import day_us, instant_us, paris


@given(st.integers(0, 4_102_444_800_000_000))
def test_an_instant_comes_back_to_the_microsecond(at_us: int) -> None:
    assert instant_us(paris(at_us)) == at_us


def test_a_moment_without_a_zone_is_of_paris() -> None:
    assert instant_us(datetime.fromisoformat("2026-07-01T12:00")) == instant_us(
        datetime(2026, 7, 1, 10, tzinfo=UTC)
    )


def test_a_day_lasts_23_or_25_hours_where_the_hour_changes() -> None:
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
    assert (day_us(date(2026, 3, 30)) - day_us(spring)) // HOUR_US == 23
    assert (day_us(date(2026, 10, 26)) - day_us(autumn)) // HOUR_US == 25
    assert day_us(autumn, time(8)) - day_us(autumn) == 9 * HOUR_US


def test_the_month_with_the_change_of_hour_has_745_hours() -> None:
    assert month_around(instant_us(datetime(2026, 10, 15, tzinfo=UTC))).length_us // HOUR_US == 745


def test_the_month_of_an_instant_is_the_paris_month() -> None:
    late = instant_us(datetime(2026, 12, 31, 23, 30, tzinfo=UTC))
    month = month_around(late)
    assert formats.moment("fr", month.start_us) == "ven. 1er janv. 2027, 00:00"
    assert month.start_us <= late < month.end_us
