"""The SX1250 radio as its host sees it: modes, command set, register memory, power and reset lines.

Sources: FACTS §1 (framing), §6.3–6.4 (commands that the start uses, status bits 6:4 = mode, RADIO_EN and
RADIO_RST); LLCC68/SX1261 datasheet §13 for the command set that the SX1250 shares.
"""

from collections.abc import Callable

from hal.twin.complaints import Fault

CRYSTAL_HZ = 32_000_000
FREQUENCY_STEPS = 1 << 25
MODE_STANDBY_RC, MODE_STANDBY_XOSC, MODE_FS, MODE_RX, MODE_TX = 2, 3, 4, 5, 6
COMMAND_OK = 0x04
IMAGE_BANDS = frozenset({b"\x6b\x6f", b"\x75\x81", b"\xc1\xc5", b"\xd7\xdb", b"\xe1\xe9"})
CALIBRATION_ERROR = 0x10
REGISTER_SPACE_BYTES = 0x10000
FREQUENCY_REGISTER = 0x088B
"""Where SET_RF_FREQUENCY can be read back (FACTS §13.13)."""

GET_STATUS, GET_DEVICE_ERRORS, READ_REGISTER = 0xC0, 0x17, 0x1D
SET_STANDBY, CALIBRATE, CALIBRATE_IMAGE, SET_RF_FREQUENCY = 0x80, 0x89, 0x98, 0x86
WRITE_REGISTER, SET_RX, SET_TX, SET_FS, SET_SLEEP, CLEAR_DEVICE_ERRORS = 0x0D, 0x82, 0x83, 0xC1, 0x84, 0x07
SILENT_COMMANDS = frozenset({0x8A, 0x8B, 0x8C, 0x8F, 0x95, 0x96, 0x97, 0x9D, 0x8E, 0x08, 0x02, 0x99, 0x9F})
"""Configuration commands that change nothing visible here: packet type, PA, regulator, IRQ, buffers."""

Complain = Callable[[Fault, str], None]


class Sx1250:
    """One radio; ``powered`` and ``reset_high`` follow the RF_EN register of its chain."""

    def __init__(self, name: str, complain: Complain) -> None:
        self.name = name
        self._complain = complain
        self.powered = False
        self.reset_high = False
        self.calibration_fails = False
        self._commands: dict[int, Callable[[bytes], None]] = {
            SET_STANDBY: self._set_standby,
            CALIBRATE: self._calibrate,
            CALIBRATE_IMAGE: self._calibrate_image,
            SET_RF_FREQUENCY: self._set_frequency,
            WRITE_REGISTER: self._write_register,
            SET_RX: lambda _: self._enter(MODE_RX),
            SET_TX: lambda _: self._enter(MODE_TX),
            SET_FS: lambda _: self._enter(MODE_FS),
            SET_SLEEP: lambda _: self._enter(0),
            CLEAR_DEVICE_ERRORS: self._clear_errors,
        }
        self.restart()

    def restart(self) -> None:
        """Come out of reset: standby on the RC oscillator, nothing calibrated but the automatic round."""
        self.mode = MODE_STANDBY_RC
        self.errors = 0
        self.frequency_raw = 0
        self.image_band = b""
        self.registers: dict[int, int] = {}

    def lines(self, *, powered: bool, reset_high: bool) -> None:
        """Follow the power and reset lines; a reset or a loss of power forgets everything."""
        if not (powered and reset_high) and self.powered and self.reset_high:
            self.restart()
        self.powered, self.reset_high = powered, reset_high

    @property
    def awake(self) -> bool:
        """Whether the radio answers on its bus."""
        return self.powered and self.reset_high

    @property
    def receiving_hz(self) -> int | None:
        """The centre frequency while the radio is in RX, else None."""
        if not self.awake or self.mode != MODE_RX:
            return None
        return round(self.frequency_raw * CRYSTAL_HZ / FREQUENCY_STEPS)

    @property
    def status(self) -> int:
        """The status byte: mode in bits 6:4, command status in bits 3:1."""
        return self.mode << 4 | COMMAND_OK

    def transfer(self, frame: bytes) -> bytes:
        """Answer ``opcode + arguments`` with as many bytes, status first."""
        if not self.awake:
            self._complain(Fault.RADIO_NOT_POWERED, f"{self.name}: command {frame[:1].hex()}")
            return bytes(len(frame))
        opcode, arguments = frame[0], frame[1:]
        status = self.status
        if opcode in {GET_STATUS, GET_DEVICE_ERRORS, READ_REGISTER}:
            return self._answer(opcode, arguments, status)
        command = self._commands.get(opcode)
        if command is not None:
            command(arguments)
        elif opcode not in SILENT_COMMANDS:
            self._complain(Fault.RADIO_COMMAND_UNKNOWN, f"{self.name}: opcode {opcode:02x}")
        return bytes((status,)) * len(frame)

    def _answer(self, opcode: int, arguments: bytes, status: int) -> bytes:
        reply = bytearray((status,)) * (1 + len(arguments))
        if opcode == GET_DEVICE_ERRORS:
            reply[2:4] = self.errors.to_bytes(2, "big")[: max(0, len(reply) - 2)]
        elif opcode == READ_REGISTER and len(arguments) > 3:
            address = arguments[0] << 8 | arguments[1]
            for index in range(4, len(reply)):
                reply[index] = self.registers.get(address + index - 4, 0)
        return bytes(reply)

    def _enter(self, mode: int) -> None:
        if mode == MODE_RX and not self.frequency_raw:
            self._complain(Fault.RADIO_COMMAND_IN_WRONG_MODE, f"{self.name}: RX before any frequency was set")
        self.mode = mode

    def _set_standby(self, arguments: bytes) -> None:
        self.mode = MODE_STANDBY_XOSC if arguments[:1] == b"\x01" else MODE_STANDBY_RC

    def _calibrate(self, _: bytes) -> None:
        if self.mode != MODE_STANDBY_RC:
            self._complain(Fault.RADIO_COMMAND_IN_WRONG_MODE, f"{self.name}: CALIBRATE outside STDBY_RC")

    def _calibrate_image(self, arguments: bytes) -> None:
        self.image_band = arguments[:2]
        failed = self.calibration_fails or self.image_band not in IMAGE_BANDS
        self.errors = CALIBRATION_ERROR if failed else self.errors & ~CALIBRATION_ERROR

    def _set_frequency(self, arguments: bytes) -> None:
        self.frequency_raw = int.from_bytes(arguments[:4], "big")
        self.registers.update(enumerate(arguments[:4], start=FREQUENCY_REGISTER))

    def _write_register(self, arguments: bytes) -> None:
        if len(arguments) < 3:
            self._complain(Fault.SHORT_TRANSACTION, f"{self.name}: WRITE_REGISTER without a value")
            return
        address = arguments[0] << 8 | arguments[1]
        for index, value in enumerate(arguments[2:]):
            self.registers[(address + index) % REGISTER_SPACE_BYTES] = value

    def _clear_errors(self, _: bytes) -> None:
        self.errors = 0
