"""Reset lines through the ``RPi.GPIO`` API (``rpi-lgpio`` gives the same import on newer kernels).

Sources: FACTS §5 (polarity, order, 100 ms after each step).
"""

from typing import Any

from hal.board_files import Pins
from hal.errors import LineFailed, OurMistake
from hal.ports import HalClock

STEP_US = 100_000


def load() -> Any:
    """Return the ``RPi.GPIO`` module, set to BCM numbers.

    Raises:
        OurMistake: not installed, or not on a Raspberry Pi.
    """
    try:
        from RPi import GPIO
    except (ImportError, RuntimeError) as error:
        raise OurMistake(
            f"RPi.GPIO cannot be used here ({error}); on kernels from 6.6 on install rpi-lgpio",
            where="reset lines",
        ) from error
    GPIO.setmode(GPIO.BCM)
    return GPIO


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
        except (RuntimeError, ValueError, OSError) as error:
            raise LineFailed(f"GPIO {pin} cannot be driven: {error}", where=name) from error
