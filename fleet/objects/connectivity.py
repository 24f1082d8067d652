"""Connectivity of objects (AVAILABILITY §9): who reported, per day and per 14 days; pure.

Both the members' object list and the LNS's uplink events are needed; without either the figure is
« non vérifiable », which is ``None`` here, and never invented.  Once the LNS's events are connected, a day
without a single one counts as heard by nobody, unless it is proved that we were blind all day (§4).
Sources: CONV A4 2.4: at least 90 % report once a day, at least 95 % once in 14 days; CONV A4 2.1: a monthly
rate of connectivity of at least 95 %, here the objects heard in the month.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

from fleet.durations import DAY_US

DAILY_PPM = 900_000
FORTNIGHT_PPM = 950_000
MONTHLY_PPM = 950_000
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
    heard_month: int = 0
    """From the first of the month up to and with this day."""
    frames: int = 0
    """Frames of the month so far of which the LNS said who heard them."""
    frames_redundant: int = 0
    """Those of them that two gateways or more heard."""
    events: bool
    """Whether the LNS's events were connected, and we were not blind all day."""
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
    monthly: Fraction | None
    """Share of the objects that reported in the month: « connectivité capteurs » (CONV A4 2.1)."""
    redundant: Fraction | None
    """Share of addresses and days that two gateways or more heard."""
    redundant_frames: Fraction | None
    """Share of frames that two gateways or more heard: lower, for it does not add up a day."""

    @property
    def daily_met(self) -> bool | None:
        """Whether 90 % report once a day."""
        return None if self.daily is None else self.daily * 1_000_000 >= DAILY_PPM

    @property
    def fortnight_met(self) -> bool | None:
        """Whether 95 % report once in 14 days."""
        return None if self.fortnight is None else self.fortnight * 1_000_000 >= FORTNIGHT_PPM

    @property
    def monthly_met(self) -> bool | None:
        """Whether 95 % reported in the month."""
        return None if self.monthly is None else self.monthly * 1_000_000 >= MONTHLY_PPM

    @property
    def addresses_mean(self) -> int | None:
        """Addresses heard on a day, rounded down; None without a sketch."""
        heard = [one.addresses for one in self.days if one.addresses]
        return sum(heard) // len(heard) if heard else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentObject:
    """An object in service that was not heard for 14 days."""

    dev_eui: str
    name: str
    commune: str
    heard_at_us: int | None
    """When it was heard last; None: never, or longer ago than addresses are kept."""


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
        monthly=Fraction(counting[-1].heard_month, counting[-1].objects) if counting else None,
        redundant_frames=Fraction(told[-1].frames_redundant, told[-1].frames)
        if told and told[-1].frames
        else None,
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
