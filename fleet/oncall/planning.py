"""The plan ahead: who, from when to when; holes; hours of duty; an iCal feed for calendars; pure.

The plan is cut at every instant where it can change: the ends of spans and overrides, each hand-over.
Between two cuts nothing changes, so one look at the start of each piece is exact, also in the hours that
daylight saving repeats or skips.

Sources: RFC 5545 (UID stays the same for the same duty, so that calendars update instead of doubling).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import icalendar

from fleet.lang.i18n import t
from fleet.lang.paris import day_us
from fleet.oncall.model import Duty, Person, Rota
from fleet.oncall.rules import handover_us, is_holiday, local_date, on_call

LOOK_AHEAD_DAYS = 60
"""How far holes are searched."""
PRODUCT = "-//Passerelle//Astreinte//FR"
REFRESH = timedelta(hours=1)
"""How often calendars are asked to look again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """A time without anybody on a level."""

    level: int
    from_us: int
    until_us: int


def cuts(rota: Rota, from_us: int, until_us: int) -> list[int]:
    """Return every instant of the window at which the plan may change, its ends included."""
    found = {from_us, until_us}
    for span in rota.spans:
        found |= {span.from_us, span.until_us}
    day, last = local_date(from_us) - timedelta(days=1), local_date(until_us) + timedelta(days=1)
    while day <= last:
        found |= {handover_us(day, rotation) for rotation in rota.rotations}
        day += timedelta(days=1)
    return sorted(at_us for at_us in found if from_us <= at_us <= until_us)


def plan(rota: Rota, from_us: int, until_us: int) -> tuple[Duty, ...]:
    """Return who is on call in the window, in pieces as long as can be, by start and level."""
    open_: dict[tuple[int, int, str], Duty] = {}
    done: list[Duty] = []
    for begin, end in _pieces(rota, from_us, until_us):
        present = {}
        for duty in on_call(rota, begin):
            key = (duty.level, duty.person_id, duty.source)
            if key in present:
                continue
            before = open_.pop(key, None)
            start = begin if before is None else before.from_us
            present[key] = replace(duty, from_us=start, until_us=end)
        done += open_.values()
        open_ = present
    done += open_.values()
    return tuple(sorted(done, key=lambda duty: (duty.from_us, duty.level, duty.person_id)))


def _pieces(rota: Rota, from_us: int, until_us: int) -> Iterator[tuple[int, int]]:
    instants = cuts(rota, from_us, until_us)
    yield from pairwise(instants)


def holes(rota: Rota, from_us: int, until_us: int) -> tuple[Hole, ...]:
    """Return the times without anybody, for each level that the plan knows (level 1 always)."""
    levels = {1} | {span.level for span in rota.spans} | {one.level for one in rota.rotations}
    found: dict[int, list[Hole]] = defaultdict(list)
    for begin, end in _pieces(rota, from_us, until_us):
        for level in levels - {duty.level for duty in on_call(rota, begin)}:
            last = found[level][-1] if found[level] else None
            if last is not None and last.until_us == begin:
                found[level][-1] = replace(last, until_us=end)
            else:
                found[level].append(Hole(level=level, from_us=begin, until_us=end))
    return tuple(sorted((hole for one in found.values() for hole in one), key=lambda hole: hole.from_us))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """One person's duty in a window, as pay-roll wants it."""

    person_id: int
    total_us: int
    sundays_us: int
    holidays_us: int


def hours(rota: Rota, from_us: int, until_us: int) -> tuple[Hours, ...]:
    """Return the hours of duty of each person, Sundays and holidays apart; two levels at once count once."""
    total: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    instants = sorted({*cuts(rota, from_us, until_us), *_midnights(from_us, until_us)})
    for begin, end in pairwise(instants):
        day = local_date(begin)
        for person_id in {duty.person_id for duty in on_call(rota, begin)}:
            mine = total[person_id]
            mine["total"] += end - begin
            if is_holiday(day):
                mine["holidays"] += end - begin
            elif day.isoweekday() == 7:
                mine["sundays"] += end - begin
    return tuple(
        Hours(
            person_id=person_id,
            total_us=mine["total"],
            sundays_us=mine["sundays"],
            holidays_us=mine["holidays"],
        )
        for person_id, mine in sorted(total.items())
    )


def _midnights(from_us: int, until_us: int) -> Iterator[int]:
    day = local_date(from_us)
    while day <= local_date(until_us):
        at_us = day_us(day)
        if from_us < at_us < until_us:
            yield at_us
        day += timedelta(days=1)


def calendar(duties: tuple[Duty, ...], people: Mapping[int, Person], *, lang: str, now_us: int) -> bytes:
    """Return the duties as a calendar."""
    feed = icalendar.Calendar()
    feed.add("prodid", PRODUCT)
    feed.add("version", "2.0")
    feed.add("x-wr-calname", t(lang, "oncall.calendar"))
    feed.add("refresh-interval", REFRESH, {"VALUE": "DURATION"})
    for duty in duties:
        person = people.get(duty.person_id)
        if person is None:
            continue
        event = icalendar.Event()
        event.add("uid", f"astreinte-{duty.level}-{duty.person_id}-{duty.from_us}@passerelle")
        event.add("dtstamp", _utc(now_us))
        event.add("dtstart", _utc(duty.from_us))
        event.add("dtend", _utc(duty.until_us))
        event.add("summary", t(lang, "oncall.event", name=person.name, level=str(duty.level)))
        event.add("transp", "TRANSPARENT")
        feed.add_component(event)
    return bytes(feed.to_ical())


def _utc(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us // 1_000_000, UTC)
