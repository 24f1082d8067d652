"""Frames over time: buckets without a gap, for the chart and the table behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, select

from fleet.evidence.tables import deliveries
from fleet.web.format import HOUR_US, paris
from fleet.web.views.timeline import window_of

STEPS_HOURS: Final[Mapping[str, int]] = {"24h": 1, "7j": 6, "mois": 24}
"""Width of a bar in hours of Paris, by the name of the window: 24 to 31 bars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Frames that an LNS acknowledged, by the time of their reception."""

    step_hours: int
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
            "step_s": self.step_hours * 3600,
            "span_s": self.step_hours * 3600 * len(self.buckets),
            "at_s": [at_us // 1_000_000 for at_us, _ in self.buckets],
            "counts": [frames for _, frames in self.buckets],
        }


def delivered(connection: Connection, eui: str, window: str, now_us: int) -> Counts:
    """Return the frames of one gateway over a window."""
    from_us, until_us = window_of(window, now_us)
    hour = deliveries.c.received_until_at_us // HOUR_US
    inside = (deliveries.c.received_until_at_us >= from_us) & (deliveries.c.received_until_at_us < until_us)
    query = select(hour, func.sum(deliveries.c.frames)).where(deliveries.c.eui == eui, inside)
    found = {int(index): int(frames) for index, frames in connection.execute(query.group_by(hour))}
    return counts_of(found, from_us, until_us, STEPS_HOURS[window])


def counts_of(found: Mapping[int, int], from_us: int, until_us: int, step_hours: int) -> Counts:
    """Return bars for the whole window from frames by hour since 1970; what was not counted is 0.

    Bars begin at multiples of their width in Paris, so that the day of a change of hour has 23 or 25 hours.

    >>> counts_of({1: 5}, 0, 3 * HOUR_US, 1).buckets
    ((0, 0), (3600000000, 5), (7200000000, 0))
    """
    bars: dict[tuple[int, int], list[int]] = {}
    for index in range(from_us // HOUR_US, -(-until_us // HOUR_US)):
        there = paris(index * HOUR_US)
        name = (there.toordinal(), index if step_hours == 1 else there.hour // step_hours)
        bar = bars.setdefault(name, [index * HOUR_US, 0])
        bar[1] += found.get(index, 0)
    return Counts(step_hours=step_hours, buckets=tuple((at_us, frames) for at_us, frames in bars.values()))
