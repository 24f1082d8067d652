"""Frames over time: buckets without a gap, for the chart and the table behind it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from fleet.availability.figures import LateFrames, late_frames
from fleet.availability.timeline import Timeline
from fleet.durations import DAY_US, HOUR_US, MINUTE_US
from fleet.evidence.deliveries import SLOT_US, SLOTS
from fleet.evidence.load import load_deliveries
from fleet.evidence.tables import delivered_frames
from fleet.facts.months import Window
from fleet.lang.paris import paris
from fleet.live.model import CommuneNow
from fleet.web.views.timeline import window_of

STEPS_MINUTES: Final[Mapping[str, int]] = {"1h": 5, "24h": 60, "7j": 6 * 60, "mois": 24 * 60}
"""Width of a bar in minutes of Paris, by the name of the window: 12 to 31 bars."""
HOUR_MINUTES: Final = 60
UNIT_US: Final = SLOT_US
"""What the database counts by; every bar is a whole number of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Frames that an LNS acknowledged, by the time of their reception."""

    step_minutes: int
    buckets: tuple[tuple[int, int], ...]
    """(start, frames), oldest first."""

    @property
    def total(self) -> int:
        """Frames of the whole window."""
        return sum(frames for _, frames in self.buckets)

    @property
    def chart(self) -> dict[str, object]:
        """What the script draws."""
        return {
            "step_s": self.step_minutes * 60,
            "span_s": self.step_minutes * 60 * len(self.buckets),
            "at_s": [at_us // 1_000_000 for at_us, _ in self.buckets],
            "counts": [frames for _, frames in self.buckets],
        }


def delivered(connection: Connection, eui: str, window: str, now_us: int) -> Counts:
    """Return the frames of one gateway over a window."""
    from_us, until_us = window_of(window, now_us)
    table, first = delivered_frames.c, from_us // DAY_US
    query = select(table.day_number, table.slots).where(
        table.eui == eui, table.day_number.between(first, until_us // DAY_US)
    )
    units = range(from_us // UNIT_US, -(-until_us // UNIT_US))
    found = {
        day * SLOTS + slot: frames
        for day, slots in connection.execute(query)
        for slot, frames in enumerate(slots)
        if frames and day * SLOTS + slot in units
    }
    return counts_of(found, from_us, until_us, STEPS_MINUTES[window])


def late(
    connection: Connection,
    euis: Collection[str],
    window: str,
    now_us: int,
    *,
    lines: Mapping[str, Timeline],
    communes: Iterable[CommuneNow],
) -> LateFrames:
    """Return what some gateways delivered late over a window, and what of it was probably refused.

    The neighbours of a gateway are the other members of its communes.
    """
    served = [set(commune.members) for commune in communes]
    found = load_deliveries(connection, Window(*window_of(window, now_us)), euis)
    frames = probably_refused = 0
    for eui in euis:
        if eui not in lines:
            continue
        others = set().union(*(members for members in served if eui in members)) - {eui}
        near = [lines[other] for other in sorted(others) if other in lines]
        here = late_frames(lines[eui], [fact for fact in found if fact.eui == eui], near)
        frames, probably_refused = frames + here.late, probably_refused + here.probably_refused
    return LateFrames(late=frames, probably_refused=probably_refused)


def counts_of(found: Mapping[int, int], from_us: int, until_us: int, step_minutes: int) -> Counts:
    """Return bars for the whole window from frames by unit since 1970; what was not counted is 0.

    Bars begin at multiples of their width in Paris, so that the day of a change of hour has 23 or 25 hours.

    >>> counts_of({1: 5}, 0, 3 * UNIT_US, 5).buckets
    ((0, 0), (300000000, 5), (600000000, 0))
    """
    bars: dict[tuple[int, int], list[int]] = {}
    hour = (-1, 0, 0)
    for index in range(from_us // UNIT_US, -(-until_us // UNIT_US)):
        at_us = index * UNIT_US
        if at_us // HOUR_US != hour[0]:
            there = paris(at_us)
            hour = (at_us // HOUR_US, there.toordinal(), there.hour)
        minute = at_us // MINUTE_US % 60
        name = (hour[1], (hour[2] * 60 + minute) // step_minutes)
        name = (hour[0], name[1]) if step_minutes <= HOUR_MINUTES else name
        bar = bars.setdefault(name, [at_us, 0])
        bar[1] += found.get(index, 0)
    return Counts(
        step_minutes=step_minutes, buckets=tuple((at_us, frames) for at_us, frames in bars.values())
    )
