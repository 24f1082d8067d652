"""What a driver is plugged into: buses, pins, thermometer, clock; made by ``hal.open`` for each bus."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hal.ports import Bus, HalClock


class Thermometer(Protocol):
    """The board's temperature; None where it cannot be read."""

    def celsius(self) -> float | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """One board; what it lacks is None."""

    bus: Bus
    clock: HalClock
    sx1261: Bus | None = None
    reset: Callable[[], None] | None = None
    """Pulse the reset lines; called before every start."""
    find_thermometer: Callable[[], Thermometer | None] | None = None
    close: Callable[[], None] | None = None
    """Release what ``bus`` does not."""
