"""Three kinds of failure: our mistake, the chip's misbehaviour, the line.

Callers act on the kind: ``OurMistake`` is a bug or a bad request (refuse it), ``ChipMisbehaved`` asks
for a recovery of the concentrator, ``LineFailed`` says that no byte can be trusted to arrive.
"""

from hal.fault import Fault


class HalError(Exception):
    """What every error of this package is; ``where`` names the register, step or device.

    ``fault`` says what is wrong where that is one of the faults that callers tell apart.
    """

    def __init__(self, message: str, *, where: str = "", fault: Fault | None = None) -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.where = where
        self.fault = fault


class OurMistake(HalError):
    """A request the concentrator cannot serve: a configuration or transmission out of range."""


class ChipMisbehaved(HalError):
    """The chip answered, but not as it must: wrong version, parity error, no answer in time."""


class LineFailed(HalError):
    """The bus moved no bytes: device gone, short transfer, dead line (0x00 or 0xFF only)."""
