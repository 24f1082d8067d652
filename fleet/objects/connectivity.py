"""Connectivity of objects (AVAILABILITY §9): who reported, per day and per 14 days; pure.

Both the members' object list and the LNS's uplink events are needed; without either the figure is
« non vérifiable », which is ``None`` here, and never invented.
Sources: CONV A4 2.4: at least 90 % report once a day, at least 95 % once in 14 days.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

DAILY_PPM = 900_000
FORTNIGHT_PPM = 950_000
FORTNIGHT_DAYS = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Connectivity:
    """Shares of the objects in service; None: « non vérifiable »."""

    objects: int
    daily: Fraction | None
    """Mean over the days of the month."""
    fortnight: Fraction | None
    """Mean over the days of the share that reported within the 14 days up to and with that day."""


def connectivity(
    in_service: frozenset[str] | None, heard_by_day: Mapping[str, frozenset[str]] | None, days: Sequence[str]
) -> Connectivity:
    """Return the month's figures; ``days`` are the month's, ``heard_by_day`` also holds the 13 before it.

    ``in_service`` None: no object list; ``heard_by_day`` None: no uplink events of the LNS.
    """
    if not in_service or heard_by_day is None or not days:
        return Connectivity(objects=len(in_service or ()), daily=None, fortnight=None)
    known = sorted(heard_by_day)
    daily = fortnight = 0
    for day in days:
        daily += len(in_service & heard_by_day.get(day, frozenset()))
        recent = [one for one in known if one <= day][-FORTNIGHT_DAYS:]
        within = [one for one in recent if _days_between(one, day) < FORTNIGHT_DAYS]
        fortnight += len(in_service & frozenset().union(*(heard_by_day[one] for one in within)))
    whole = len(in_service) * len(days)
    return Connectivity(
        objects=len(in_service), daily=Fraction(daily, whole), fortnight=Fraction(fortnight, whole)
    )


def _days_between(earlier: str, later: str) -> int:
    from datetime import date

    return (date.fromisoformat(later) - date.fromisoformat(earlier)).days
