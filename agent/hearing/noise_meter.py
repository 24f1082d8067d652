"""The noise floor as an SX1261 measures it, where the board has one and the settings enable it.

Sources: a spectral scan of one frequency takes some 20 ms of the radio thread (``hal.sx1302.driver``).
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from agent.observation import middle_dbm
from agent.wire import reasons
from hal.errors import HalError
from hal.packets import Spectrum
from hal.ports import Concentrator
from hal.units import Hz

SCANNED_HZ = tuple(Hz(frequency) for frequency in range(867_100_000, 868_600_000, 200_000))
"""The eight channels of the EU868 plan."""
MEASURE_EVERY_US = 900_000_000
ANSWER_LIMIT_S = 5.0

Ask = Callable[[Callable[[Concentrator], Any]], "Future[Any]"]


class NothingCounted(reasons.ReasonedError, ValueError):
    """A scan that counted nothing."""


def floor_dbm(frequency_hz: Hz, chip: Concentrator) -> float:
    """Return the noise floor of one frequency; runs in the radio thread.

    Raises:
        NothingCounted: so it is.
        HalError: the board has no SX1261, or the settings do not enable it, or it does not answer.
    """
    return median_dbm(chip.spectral_scan(frequency_hz))


def median_dbm(spectrum: Spectrum) -> float:
    """Return the level that half of the scans of one frequency were at or below: the noise floor.

    Raises:
        NothingCounted: so it is.
    """
    total, seen = sum(spectrum.counts), 0
    for level, count in sorted(zip(spectrum.levels_dbm, spectrum.counts, strict=True)):
        seen += count
        if total and seen * 2 >= total:
            return level
    raise NothingCounted(reasons.command.nothing_counted())


class NoiseMeter:
    """Measures every quarter of an hour; ``dbm`` is the last result, None where nothing measures."""

    def __init__(self, on_radio: Ask, measured: Callable[[int, float], None]) -> None:
        """``measured`` is called with each frequency in Hz and its floor in dBm."""
        self._on_radio = on_radio
        self._measured = measured
        self._due_us = 0
        self.dbm: float | None = None
        self.floors_dbm: dict[int, float] = {}
        """The last result by frequency in Hz."""

    async def look(self, now_us: int) -> None:
        """Measure all channels if it is time; a board that cannot is asked again at the next time."""
        if now_us < self._due_us:
            return
        self._due_us = now_us + MEASURE_EVERY_US
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                floors = [
                    await asyncio.wrap_future(self._on_radio(partial(floor_dbm, frequency)))
                    for frequency in SCANNED_HZ
                ]
        except (HalError, ValueError, TimeoutError):
            self.dbm, self.floors_dbm = None, {}
            return
        for frequency, level_dbm in zip(SCANNED_HZ, floors, strict=True):
            self._measured(frequency, level_dbm)
        self.floors_dbm = dict(zip(SCANNED_HZ, floors, strict=True))
        self.dbm = round(middle_dbm(floors), 1)
