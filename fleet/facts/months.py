"""Months, days and hours of Europe/Paris as half-open windows of microseconds UTC.

A month has 720 or 744 hours, 743 in March, 745 in October, 672 or 696 in February.
Sources: AVAILABILITY (head: "Days and months are Europe/Paris"), §8 (closing on the 4th at 08:00 Paris).
"""

import re
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from fleet.lang.paris import paris, paris_us

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
CLOSING_DAY, CLOSING_HOUR = 4, 8


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """[start, end) in microseconds UTC."""

    start_us: int
    end_us: int

    def __post_init__(self) -> None:
        if self.end_us < self.start_us:
            raise ValueError(f"window: ends at {self.end_us} before it starts at {self.start_us}")

    @property
    def length_us(self) -> int:
        """How long it is."""
        return self.end_us - self.start_us


def month_window(month: str) -> Window:
    """Return the window of a month written ``2026-10``.

    >>> month_window("2026-10").length_us // 3_600_000_000, month_window("2026-03").length_us // 3_600_000_000
    (745, 743)

    Raises:
        ValueError: not YYYY-MM.
    """
    year, number = _parse(month)
    return Window(paris_us(year, number), paris_us(*_after(year, number)))


def month_around(at_us: int) -> Window:
    """Return the month of Paris in which an instant lies."""
    return month_window(month_of(at_us))


def month_of(at_us: int) -> str:
    """Return the month in which an instant lies, in Paris."""
    return f"{paris(at_us):%Y-%m}"


def next_month(month: str) -> str:
    """Return the month after.

    >>> next_month("2026-12")
    '2027-01'
    """
    year, number = _after(*_parse(month))
    return f"{year:04d}-{number:02d}"


def day_start_us(at_us: int) -> int:
    """Return when the day of Paris began in which an instant lies."""
    day = paris(at_us)
    return paris_us(day.year, day.month, day.day)


def year_start_us(at_us: int) -> int:
    """Return when the year of Paris began in which an instant lies."""
    return paris_us(paris(at_us).year, 1)


def closes_at_us(month: str) -> int:
    """Return when version 1 may close: the 4th of the month after, 08:00 Paris."""
    return paris_us(*_after(*_parse(month)), CLOSING_DAY, CLOSING_HOUR)


def months_between(start_us: int, end_us: int) -> tuple[str, ...]:
    """Return the months that [start, end) touches, in order."""
    months = []
    at_us = start_us
    while at_us < end_us:
        months.append(month_of(at_us))
        at_us = month_window(months[-1]).end_us
    return tuple(months)


def days_of(month: str) -> tuple[Window, ...]:
    """Return the days of a month: 23, 24 or 25 hours each."""
    year, number = _parse(month)
    count = (date(*_after(year, number), 1) - date(year, number, 1)).days
    edges = [paris_us(year, number, day) for day in range(1, count + 1)] + [month_window(month).end_us]
    return tuple(Window(start, end) for start, end in pairwise(edges))


def _parse(month: str) -> tuple[int, int]:
    found = _MONTH.fullmatch(month)
    if found is None:
        raise ValueError(f"month: {month!r} is not written YYYY-MM, such as 2026-10")
    return int(found[1]), int(found[2])


def _after(year: int, month: int) -> tuple[int, int]:
    return (year + 1, 1) if month == 12 else (year, month + 1)
