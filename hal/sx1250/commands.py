"""Commands of the SX1250 as values, and the two sequences of start-up.

Sources: FACTS §6.3 (calibration), §6.4 (set-up); opcodes are those of the SX126x family.
"""

from dataclasses import dataclass
from enum import IntEnum

from hal.settings import Radio, image_band
from hal.units import Hz

FREQUENCY_STEPS_LOG2 = 25
CRYSTAL_HZ = 32_000_000
STATUS_MODE_SHIFT = 4
STATUS_MODE_MASK = 7
IMAGE_ERROR_BIT = 4
SETTLE_US = 10_000
"""After a change of standby mode and after a calibration."""
ALL_BLOCKS = b"\x7f"
CONTINUOUS = b"\xff\xff\xff"


class Opcode(IntEnum):
    """What the host says to a radio."""

    WRITE_REGISTER = 0x0D
    GET_DEVICE_ERRORS = 0x17
    SET_STANDBY = 0x80
    SET_RX = 0x82
    SET_RF_FREQUENCY = 0x86
    CALIBRATE = 0x89
    CALIBRATE_IMAGE = 0x98
    GET_STATUS = 0xC0


class Standby(IntEnum):
    """The two standby modes and the chip mode that a status then shows."""

    RC = 0
    XOSC = 1

    @property
    def mode(self) -> int:
        """The mode field of the status byte."""
        return 2 + self


@dataclass(frozen=True, slots=True)
class Command:
    """One command; ``settle_us`` is waited after it, ``mode`` and ``image`` are checked in its answer."""

    opcode: Opcode
    arguments: bytes
    settle_us: int = 0
    mode: int | None = None
    image: bool = False


def frequency_register(frequency_hz: Hz) -> int:
    """Return the frequency in steps of 32 MHz / 2^25.

    >>> f"{frequency_register(Hz(867500000)):08x}"
    '36380000'
    """
    return (frequency_hz << FREQUENCY_STEPS_LOG2) // CRYSTAL_HZ


def write_register(address: int, *data: int) -> Command:
    """Return the command that writes bytes of the radio's own registers."""
    return Command(Opcode.WRITE_REGISTER, address.to_bytes(2, "big") + bytes(data))


def calibrate_image(radio: Radio) -> tuple[Command, ...]:
    """Return the commands that calibrate image rejection for the radio's band."""
    return (
        Command(Opcode.GET_STATUS, b"\x00"),
        Command(Opcode.CALIBRATE_IMAGE, image_band(radio.frequency_hz), settle_us=SETTLE_US),
        Command(Opcode.GET_DEVICE_ERRORS, b"\x00\x00\x00", image=True),
    )


def set_up(radio: Radio) -> tuple[Command, ...]:
    """Return the commands that bring a freshly reset radio to continuous reception."""
    single_input = (write_register(0x08E2, 0x0D),) if radio.single_input else ()
    return (
        Command(Opcode.SET_STANDBY, bytes((Standby.RC,)), settle_us=SETTLE_US),
        Command(Opcode.GET_STATUS, b"\x00", mode=Standby.RC.mode),
        Command(Opcode.CALIBRATE, ALL_BLOCKS, settle_us=SETTLE_US),
        Command(Opcode.SET_STANDBY, bytes((Standby.XOSC,)), settle_us=SETTLE_US),
        Command(Opcode.GET_STATUS, b"\x00", mode=Standby.XOSC.mode),
        write_register(0x06A1, 0x01),  # bit rate at its maximum: faster from TX to FS
        write_register(0x06A2, 0x00),
        write_register(0x06A3, 0x00),
        write_register(0x0582, 0x00),  # DIO: drive strength, inputs, pulls, outputs
        write_register(0x0583, 0x00),
        write_register(0x0584, 0x00),
        write_register(0x0585, 0x00),
        write_register(0x0580, 0x00),
        write_register(0x08B6, 0x2A),  # fixed gain
        Command(Opcode.SET_RF_FREQUENCY, frequency_register(radio.frequency_hz).to_bytes(4, "big")),
        write_register(0x088F, 0x00, 0x00, 0x00),  # no frequency offset
        Command(Opcode.SET_RX, CONTINUOUS),  # gives the SX1302 its clock
        *single_input,
        write_register(0x0587, 0x0B),  # samples to the SX1302
    )
