"""Reset lines through the ``RPi.GPIO`` API (``rpi-lgpio`` gives the same import on newer kernels).

Sources: FACTS §5 (polarity, order, 100 ms after each step).
"""

import os
import sys
import tempfile
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from hal.board_files import Pins
from hal.errors import LineFailed, OurMistake
from hal.fault import Fault, FaultKind
from hal.ports import HalClock

STEP_US = 100_000
WORKING_FOLDER = "LG_WD"


def load() -> Any:
    """Return the ``RPi.GPIO`` module, set to BCM numbers.

    Raises:
        OurMistake: not installed, or not on a Raspberry Pi.
    """
    give_working_folder(Path.cwd(), os.environ)
    try:
        from RPi import GPIO

        GPIO.setmode(GPIO.BCM)
    except _failures() as error:
        raise OurMistake(
            f"RPi.GPIO cannot be used here ({error}); on kernels from 6.6 on install rpi-lgpio",
            where="reset lines",
            fault=Fault(FaultKind.RESET_LINES),
        ) from error
    return GPIO


def give_working_folder(here: Path, environment: MutableMapping[str, str]) -> None:
    """Name a folder for lgpio's pipe where the present one takes none.

    lgpio makes ``.lgd-nfy0`` while it is imported, in LG_WD or the working folder, which is ``/`` for a
    service (github.com/joan2937/lg, ``lguGetWorkDir``).
    """
    if WORKING_FOLDER not in environment and not os.access(here, os.W_OK):
        environment[WORKING_FOLDER] = tempfile.gettempdir()


def _failures() -> tuple[type[Exception], ...]:
    """Return what the library raises; lgpio has an exception of its own, which is known once it is loaded."""
    error = getattr(sys.modules.get("lgpio"), "error", None)
    own = (error,) if isinstance(error, type) and issubclass(error, Exception) else ()
    return (ImportError, RuntimeError, ValueError, OSError, *own)


class ResetLines:
    """The lines that a board file names; none of them is touched before the first ``reset``.

    They keep their levels when the program ends: releasing one would let a reset line float.
    ``gpio`` is the ``RPi.GPIO`` module, or what stands in for it; None loads it at the first ``reset``.
    """

    def __init__(self, pins: Pins, clock: HalClock, gpio: Any = None) -> None:
        self._pins = pins
        self._clock = clock
        self._gpio = gpio

    def reset(self) -> None:
        """Power on and pulse every reset line, as the reference's script does.

        Raises:
            LineFailed: a line cannot be driven.
        """
        for name, pin, levels in (
            ("power_enable", self._pins.power_enable, (1,)),
            ("sx1302_reset", self._pins.sx1302_reset, (1, 0)),
            ("sx1261_reset", self._pins.sx1261_reset, (0, 1)),
            ("dac_reset", self._pins.dac_reset, (0, 1)),
        ):
            if pin is None:
                continue
            for level in levels:
                self._set(name, pin, level)
                self._clock.sleep(STEP_US / 1e6)

    def _set(self, name: str, pin: int, level: int) -> None:
        if self._gpio is None:
            self._gpio = load()
        try:
            self._gpio.setup(pin, self._gpio.OUT, initial=level)
        except _failures() as error:
            raise LineFailed(
                f"GPIO {pin} cannot be driven: {error}", where=name, fault=Fault(FaultKind.RESET_LINES)
            ) from error
