"""Who the chip is (version register, model, EUI-64), and whether it still receives what it was set up for.

A chip that lost its configuration (a brown-out, a short reset) still answers with its version: only its
enables show that it receives nothing.

Sources: FACTS §4; §14 (the reference reads the version and checks nothing; a deaf AGC behind a healthy bus),
§6.15 (enables).
"""

from dataclasses import dataclass

from hal.bus.access import Registers
from hal.errors import ChipMisbehaved, LineFailed
from hal.fault import Fault, FaultKind
from hal.registers import common, otp

DEAD_BUS = (0x00, 0xFF)
KNOWN_VERSIONS = {0x10: "v1.0", 0x12: "v1.2"}
MODEL_INDEX = 0xD0
MODELS = {0x00: "SX1302", 0x02: "SX1302", 0x03: "SX1303"}
SX1303 = 0x03
EUI_BYTES = 8
ENABLES_AT = 0x5605
"""The enables; the version register follows."""
ENABLED = 0x0F
PARITY_BIT = 0x01
AGC_STUCK = 0x14
"""The status of a deaf AGC (issue 154 of the reference)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What ``hal info`` shows."""

    version: int
    model: int
    eui: str

    @property
    def model_name(self) -> str:
        """The chip's name, or its model number."""
        return MODELS.get(self.model, f"model {self.model:#04x}")


def read_version(registers: Registers) -> int:
    """Return the version register.

    Raises:
        LineFailed: 0x00 or 0xFF, which is a bus without a chip.
    """
    version = registers.read_field(common.COMMON_VERSION_VERSION)
    if version in DEAD_BUS:
        raise LineFailed(
            f"version reads {version:#04x}: no chip on the bus (power, reset line, wiring, device path)",
            where="0x5606 COMMON_VERSION_VERSION",
        )
    return version


def read_model(registers: Registers) -> int:
    """Return the model byte of the one-time programmable memory."""
    return _otp(registers, MODEL_INDEX)


def read_eui(registers: Registers) -> str:
    """Return the EUI-64 as 16 lower-case hex digits.

    Raises:
        ChipMisbehaved: all bytes are 0x00 or 0xFF; an EUI like that identifies nothing.
    """
    eui = bytes(_otp(registers, index) for index in range(EUI_BYTES))
    if set(eui) <= {0x00} or set(eui) <= {0xFF}:
        raise ChipMisbehaved(f"EUI reads {eui.hex()}", where="OTP")
    return eui.hex()


def _otp(registers: Registers, index: int) -> int:
    registers.write_field(otp.OTP_BYTE_ADDR_ADDR, index)
    return registers.read_field(otp.OTP_RD_DATA_RD_DATA)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """What ``fault`` judges: registers as they were read, and whether the counter moved between two reads."""

    enables: int
    version: int
    agc_control: int
    agc_status: int
    arb_control: int
    counter_moves: bool

    @property
    def agc_parity_ok(self) -> bool:
        """Whether the AGC's program is undamaged."""
        return not self.agc_control & PARITY_BIT

    @property
    def arb_parity_ok(self) -> bool:
        """Whether the arbiter's program is undamaged."""
        return not self.arb_control & PARITY_BIT


def fault(vitals: Vitals) -> Fault | None:
    """Return why nothing can be received, the most fundamental reason first; None where nothing says so."""
    if vitals.version in DEAD_BUS:
        return Fault(FaultKind.VERSION_REGISTER, vitals.version)
    if vitals.enables & ENABLED != ENABLED:
        return Fault(FaultKind.CONFIGURATION_LOST, vitals.enables)
    if not vitals.agc_parity_ok:
        return Fault(FaultKind.AGC_PARITY)
    if not vitals.arb_parity_ok:
        return Fault(FaultKind.ARB_PARITY)
    if vitals.agc_status == AGC_STUCK:
        return Fault(FaultKind.AGC_STUCK, AGC_STUCK)
    return None if vitals.counter_moves else Fault(FaultKind.COUNTER_STILL)
