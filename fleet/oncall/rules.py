"""Who is on call at an instant; pure.

Hand-over is at a local hour: a day of the rotation is 23, 24 or 25 hours long when the clocks change, and
nobody is on call twice or not at all in the hour that repeats.  An hour that does not exist (02:30 in March)
hands over at the next one that does.

Sources: DESIGN §7; French public holidays from the ``holidays`` library.
"""

from datetime import date, timedelta
from functools import lru_cache

import holidays

from fleet.lang.paris import day_us, paris
from fleet.oncall.model import Duty, Period, Rota, Rotation

PERIOD_DAYS = {Period.DAILY: 1, Period.WEEKLY: 7}


def local_date(at_us: int) -> date:
    """Return the Paris date of an instant."""
    return paris(at_us).date()


def handover_us(day: date, rotation: Rotation) -> int:
    """Return the instant of the hand-over on that Paris day."""
    return day_us(day, rotation.handover)


@lru_cache(maxsize=64)
def _holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("FR", years=year))


def is_holiday(day: date) -> bool:
    """Return whether the day is a French public holiday."""
    return day in _holidays(day.year)


def turn(rotation: Rotation, at_us: int) -> Duty | None:
    """Return whose turn it is; None before the rotation starts or when it has nobody."""
    if not rotation.person_ids:
        return None
    day = local_date(at_us)
    if at_us < handover_us(day, rotation):
        day -= timedelta(days=1)
    if day < rotation.starts_on:
        return None
    days = PERIOD_DAYS[rotation.period]
    index = (day - rotation.starts_on).days // days
    first = rotation.starts_on + timedelta(days=index * days)
    if rotation.holidays_person_id is not None and is_holiday(day):
        return _duty(rotation, rotation.holidays_person_id, (day, day + timedelta(days=1)), "holiday")
    person_id = rotation.person_ids[index % len(rotation.person_ids)]
    return _duty(rotation, person_id, (first, first + timedelta(days=days)), rotation.name)


def _duty(rotation: Rotation, person_id: int, days: tuple[date, date], source: str) -> Duty:
    return Duty(
        person_id=person_id,
        level=rotation.level,
        from_us=handover_us(days[0], rotation),
        until_us=handover_us(days[1], rotation),
        source=source,
    )


def on_call(rota: Rota, at_us: int) -> tuple[Duty, ...]:
    """Return who is on call, by level; an override takes the place of all else on its level."""
    found: dict[int, list[Duty]] = {}
    overridden: set[int] = set()
    for span in sorted(rota.spans, key=lambda span: not span.override):
        if not span.from_us <= at_us < span.until_us:
            continue
        if span.override:
            overridden.add(span.level)
        elif span.level in overridden:
            continue
        duty = Duty(
            person_id=span.person_id,
            level=span.level,
            from_us=span.from_us,
            until_us=span.until_us,
            source="override" if span.override else "span",
        )
        found.setdefault(span.level, []).append(duty)
    for rotation in rota.rotations:
        mine = turn(rotation, at_us)
        if rotation.level not in overridden and mine is not None:
            found.setdefault(rotation.level, []).append(mine)
    return tuple(duty for level in sorted(found) for duty in found[level])
