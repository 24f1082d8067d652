"""When a gateway runs out of air: how the network's sensors grow, and what each gateway then carries (pure).

Sensors are taken to be added where sensors are: twice as many of them are twice the load of every gateway.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fleet.airtime.capacity import LOAD_LIMIT

PLANNED_OBJECTS: Final = 300_000
"""What the network is to carry (MISSION)."""
DAYS_LEAST: Final = 14
"""Days of counts before a growth is told: shorter ones follow the week."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Sensors heard on the newest day, and how many come a day."""

    sensors: int
    per_day: float


def growth_of(counts: Sequence[tuple[int, int]]) -> Growth | None:
    """Return the growth by least squares; ``counts`` are (number of the day, sensors heard), oldest first.

    >>> growth_of([(day, 1_000 + 10 * day) for day in range(30)])
    Growth(sensors=1290, per_day=10.0)
    """
    known = [(day, count) for day, count in counts if count > 0]
    if not known or known[-1][0] - known[0][0] + 1 < DAYS_LEAST:
        return None
    middle_day = sum(day for day, _ in known) / len(known)
    middle = sum(count for _, count in known) / len(known)
    spread = sum((day - middle_day) ** 2 for day, _ in known)
    slope = sum((day - middle_day) * (count - middle) for day, count in known) / spread if spread else 0.0
    return Growth(sensors=known[-1][1], per_day=round(slope, 6))


def sensors_when_full(load: float, sensors: int) -> int | None:
    """Return how many sensors the network has when a gateway of this load is full; None: it has none."""
    return round(sensors * LOAD_LIMIT / load) if load > 0 and sensors > 0 else None


def days_until(growth: Growth, sensors: int) -> int | None:
    """Return in how many days the network has so many sensors; 0: it has; None: it does not grow."""
    if growth.sensors >= sensors:
        return 0
    return None if growth.per_day <= 0 else round((sensors - growth.sensors) / growth.per_day)
