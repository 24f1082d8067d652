"""The clock of Paris: instants are microseconds UTC, days and months are those of Europe/Paris.

Sources: AVAILABILITY (head: "Days and months are Europe/Paris").
"""

import datetime as dt
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

PARIS: Final = ZoneInfo("Europe/Paris")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def paris(at_us: int) -> datetime:
    """Return an instant as Paris shows it, exact to the microsecond."""
    return (_EPOCH + timedelta(microseconds=at_us)).astimezone(PARIS)


def instant_us(moment: datetime) -> int:
    """Return microseconds UTC of a moment; one that names no zone is of Paris.

    >>> instant_us(datetime(1970, 1, 1, 1))
    0
    """
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=PARIS)
    return (aware - _EPOCH) // _MICROSECOND


def paris_us(year: int, month: int, day: int = 1, hour: int = 0) -> int:
    """Return an instant of the Paris wall clock.

    >>> paris_us(1970, 1, 1, 1)
    0
    """
    return instant_us(datetime(year, month, day, hour, tzinfo=PARIS))


def day_us(day: dt.date, at: time = time()) -> int:
    """Return the instant of a time of day in Paris; midnight if none is given.

    >>> day_us(dt.date(1970, 1, 1), time(1, 30))
    1800000000
    """
    return instant_us(datetime.combine(day, at))
