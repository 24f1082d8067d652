from datetime import UTC, date, datetime

import pytest

from fleet.durations import HOUR_US
from fleet.lang import format as formats
from fleet.lang.paris import instant_us

AT_US = instant_us(datetime(2026, 11, 22, 13, 37, 5, tzinfo=UTC))
N = "\u202f"


@pytest.mark.parametrize(
    ("lang", "value", "decimals", "expected"),
    [
        ("fr", 1615, 0, f"1{N}615"),
        ("fr", 1234567.891, 2, f"1{N}234{N}567,89"),
        ("en", 1234567.891, 2, "1,234,567.89"),
        ("fr", -0.001, 2, "0,00"),
        ("fr", -1484, 0, f"\u22121{N}484"),
        ("fr", 0, 0, "0"),
    ],
)
def test_numbers(lang: str, value: float, decimals: int, expected: str) -> None:
    assert formats.number(lang, value, decimals) == expected


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [
        (9997, 10000, f"99,97{N}%"),
        (999699, 1000000, f"99,96{N}%"),
        (999999999, 1000000000, f"99,99{N}%"),
        (1, 1, f"100,00{N}%"),
        (0, 5, f"0,00{N}%"),
        (-1, 3, f"\u221233,33{N}%"),
        (1, 0, "—"),
    ],
)
def test_percentages_are_truncated(numerator: int, denominator: int, expected: str) -> None:
    assert formats.ratio("fr", numerator, denominator) == expected


def test_percentage_without_decimals_in_english() -> None:
    assert formats.ratio("en", 2, 3, 0) == "66%"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (777, "12 min 57 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h"),
        (8040, "2 h 14"),
        (8099, "2 h 14"),
        (47 * 3600, "47 h"),
        (48 * 3600, "2 j"),
        (76 * 3600, "3 j 4 h"),
        (-300, "\u22125 min"),
    ],
)
def test_durations(seconds: int, expected: str) -> None:
    assert formats.duration("fr", seconds * 1_000_000) == expected.replace(" ", N)


def test_moments_are_paris_time() -> None:
    assert formats.moment("fr", AT_US) == "dim. 22 nov. 2026, 14:37"
    assert formats.moment("en", AT_US, seconds=True) == "Sun 22 Nov 2026, 14:37:05"


def test_short_moments_say_only_what_is_needed() -> None:
    assert formats.short("fr", AT_US, AT_US + HOUR_US) == "14:37"
    assert formats.short("fr", AT_US, AT_US + 24 * HOUR_US) == "dim. 22 nov., 14:37"
    assert formats.short("fr", AT_US, AT_US + 100 * 24 * HOUR_US) == "dim. 22 nov. 2026, 14:37"


def test_first_of_the_month_and_months() -> None:
    assert formats.day("fr", date(2026, 5, 1)) == "ven. 1er mai 2026"
    assert formats.month("fr", date(2026, 8, 1)) == "août 2026"


def test_euros_and_sizes() -> None:
    assert formats.euros("fr", 511815) == f"5{N}118,15{N}€"
    assert formats.euros("en", 511805) == "€5,118.05"
    assert formats.octets("fr", 512_000_000) == f"512{N}Mo"
    assert formats.octets("en", 1_500_000) == f"1.5{N}MB"
    assert formats.octets("fr", 1_000_000) == f"1,0{N}Mo"
    assert formats.octets("fr", 10_000) == f"10{N}ko"
    assert formats.octets("fr", 999) == f"999{N}o"


@pytest.mark.parametrize(
    ("number", "french", "english"),
    [
        (1, "1re", "1st"),
        (2, "2e", "2nd"),
        (3, "3e", "3rd"),
        (4, "4e", "4th"),
        (11, "11e", "11th"),
        (12, "12e", "12th"),
        (13, "13e", "13th"),
        (21, "21e", "21st"),
        (101, "101e", "101st"),
        (111, "111e", "111th"),
        (112, "112e", "112th"),
        (113, "113e", "113th"),
    ],
)
def test_ordinals(number: int, french: str, english: str) -> None:
    assert (formats.ordinal("fr", number), formats.ordinal("en", number)) == (french, english)


@pytest.mark.parametrize(
    ("later_days", "french", "english"),
    [
        (0, "à 14:37", "at 14:37"),
        (1, "le dim. 22 nov. à 14:37", "on Sun 22 Nov at 14:37"),
        (-1, "le dim. 22 nov. à 14:37", "on Sun 22 Nov at 14:37"),
        (100, "le dim. 22 nov. 2026 à 14:37", "on Sun 22 Nov 2026 at 14:37"),
    ],
)
def test_an_instant_within_a_sentence_says_day_and_year_only_where_they_are_others(
    later_days: int, french: str, english: str
) -> None:
    now_us = AT_US + later_days * 24 * HOUR_US
    assert (formats.at("fr", AT_US, now_us), formats.at("en", AT_US, now_us)) == (french, english)


@pytest.mark.parametrize(
    ("size_bytes", "french"),
    [
        (0, "0 o"),
        (999, "999 o"),
        (1_000, "1,0 ko"),
        (9_900, "9,9 ko"),
        (999_999, "1\u202f000 ko"),
        (1_000_000_000, "1,0 Go"),
        (10_000_000_000, "10 Go"),
    ],
)
def test_sizes_have_a_decimal_below_ten_of_their_unit(size_bytes: int, french: str) -> None:
    assert formats.octets("fr", size_bytes) == french.replace(" ", N)


@pytest.mark.parametrize(
    ("seconds", "french"),
    [(599, "9 min 59 s"), (600, "10 min"), (659, "10 min"), (-659, "−10 min"), (-599, "−9 min 59 s")],
)
def test_a_calm_duration_drops_seconds_from_ten_minutes_on(seconds: int, french: str) -> None:
    assert formats.calm("fr", seconds * 1_000_000) == french.replace(" ", N)
