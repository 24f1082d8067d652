"""Connectivity of objects (AVAILABILITY §9): who reported, per day and per 14 days; pure.

Both the members' object list and the LNS's uplink events are needed; without either the figure is
« non vérifiable », which is ``None`` here, and never invented.  A day without a single event of the LNS says
nothing of the objects: it is left out and counted apart.
Sources: CONV A4 2.4: at least 90 % report once a day, at least 95 % once in 14 days.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

from fleet.durations import DAY_US

DAILY_PPM = 900_000
FORTNIGHT_PPM = 950_000
FORTNIGHT_DAYS = 14
COUNT_AGAIN_DAYS = 8
"""Sketches of a gateway that was cut off come late; its spool holds seven days."""
COUNT_EVERY_US = DAY_US
"""Between two counts of one day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCount:
    """One day of Paris: objects in service, and how many of them were heard; addresses by day of UTC."""

    day: str
    objects: int
    heard: int
    heard_fortnight: int
    """Within the 14 days up to and with this one."""
    events: bool
    """Whether the LNS told us of anything that day."""
    addresses_by_gateways: Mapping[int, int] = field(default_factory=dict)
    """How many DevAddr exactly so many gateways heard."""

    @property
    def verifiable(self) -> bool:
        """Both the list and the events are there."""
        return self.events and self.objects > 0

    @property
    def addresses(self) -> int:
        """Addresses heard by any gateway."""
        return sum(self.addresses_by_gateways.values())

    @property
    def addresses_redundant(self) -> int:
        """Addresses heard by two gateways or more."""
        return sum(count for gateways, count in self.addresses_by_gateways.items() if gateways > 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connectivity:
    """Shares of the objects in service; None: « non vérifiable »."""

    objects: int
    """In service on the last day that counts."""
    days: tuple[DayCount, ...]
    """The whole days of the month that are known."""
    days_counted: int
    daily: Fraction | None
    """Mean over the days that count."""
    fortnight: Fraction | None
    """Mean over the days of the share that reported within the 14 days up to and with that day."""
    redundant: Fraction | None
    """Share of addresses and days that two gateways or more heard."""

    @property
    def daily_met(self) -> bool | None:
        """Whether 90 % report once a day."""
        return None if self.daily is None else self.daily * 1_000_000 >= DAILY_PPM

    @property
    def fortnight_met(self) -> bool | None:
        """Whether 95 % report once in 14 days."""
        return None if self.fortnight is None else self.fortnight * 1_000_000 >= FORTNIGHT_PPM

    @property
    def addresses_mean(self) -> int | None:
        """Addresses heard on a day, rounded down; None without a sketch."""
        heard = [one.addresses for one in self.days if one.addresses]
        return sum(heard) // len(heard) if heard else None


def connectivity(days: Iterable[DayCount]) -> Connectivity:
    """Return a month's figures from its days."""
    told = tuple(sorted(days, key=lambda one: one.day))
    counting = [one for one in told if one.verifiable]
    addresses = sum(one.addresses for one in told)
    return Connectivity(
        objects=counting[-1].objects if counting else max((one.objects for one in told), default=0),
        days=told,
        days_counted=len(counting),
        daily=_mean(Fraction(one.heard, one.objects) for one in counting),
        fortnight=_mean(Fraction(one.heard_fortnight, one.objects) for one in counting),
        redundant=Fraction(sum(one.addresses_redundant for one in told), addresses) if addresses else None,
    )


def _mean(shares: Iterable[Fraction]) -> Fraction | None:
    told = list(shares)
    return sum(told, Fraction(0)) / len(told) if told else None


def day_to_count(
    counted: Mapping[str, tuple[int, int]], first: str, today: str, *, objects: int, now_us: int
) -> str | None:
    """Return the oldest day that is over and should be counted (again), None when none is.

    ``counted`` has for each day when it was counted and with how many objects in service; a day that was
    counted before there was an object list is counted again when there is one.
    """
    day, yesterday = date.fromisoformat(first), date.fromisoformat(today) - timedelta(days=1)
    while day <= yesterday:
        at_us, had = counted.get(day.isoformat(), (None, 0))
        young = (yesterday - day).days < COUNT_AGAIN_DAYS
        if at_us is None or (not had and objects) or (young and now_us - at_us >= COUNT_EVERY_US):
            return day.isoformat()
        day += timedelta(days=1)
    return None
