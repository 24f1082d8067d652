"""What is wrong with a concentrator, as a value: callers decide by its kind and never by a sentence."""

from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What registers or the bus give away."""

    VERSION_REGISTER = "version_register"
    CONFIGURATION_LOST = "configuration_lost"
    AGC_PARITY = "agc_parity"
    ARB_PARITY = "arb_parity"
    AGC_STUCK = "agc_stuck"
    COUNTER_STILL = "counter_still"
    DEAD_BUS = "dead_bus"
    UNPLUGGED = "unplugged"
    NO_SX1261 = "no_sx1261"
    RESET_LINES = "reset_lines"


_SENTENCES = {
    FaultKind.VERSION_REGISTER: "version register reads {register:#04x}",
    FaultKind.CONFIGURATION_LOST: (
        "the chip lost its configuration (enables read {register:#04x}): reset or power dip"
    ),
    FaultKind.AGC_PARITY: "parity error of the AGC program",
    FaultKind.ARB_PARITY: "parity error of the ARB program",
    FaultKind.AGC_STUCK: "AGC stuck with status {register:#04x}",
    FaultKind.COUNTER_STILL: "the counter stands still",
    FaultKind.DEAD_BUS: "the FIFO count reads 0x{register:04X}: dead bus",
    FaultKind.UNPLUGGED: "the device is gone",
    FaultKind.NO_SX1261: "needs an SX1261 that the settings enable",
    FaultKind.RESET_LINES: "the reset lines cannot be driven",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; ``register`` is what was read, where a register gave it away."""

    kind: FaultKind
    register: int = 0

    def __str__(self) -> str:
        return _SENTENCES[self.kind].format(register=self.register)
