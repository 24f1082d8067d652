"""The SX1261 beside the concentrator: status, patch memory, listen-before-talk, spectral scan.

Sources: FACTS §11 (status, patch, opcodes 0x9A and 0x9B, results at 0x0401, status at 0x07CD), §6.3
(image calibration); transcripts (register reads answer after three status bytes).
"""

import hashlib
from collections.abc import Callable

from hal.twin.complaints import Fault
from hal.twin.facts import TICKS_PER_US
from hal.twin.images import PATCH_BYTES, Program, known_images
from hal.twin.parts.sx1250 import (
    CALIBRATION_ERROR,
    CRYSTAL_HZ,
    FREQUENCY_REGISTER,
    FREQUENCY_STEPS,
    IMAGE_BANDS,
)

MODE_STANDBY_RC, MODE_STANDBY_XOSC, MODE_FS, MODE_RX = 2, 3, 4, 5
COMMAND_OK = 0x02
VERSION_REGISTER, PATCH_ENABLE, SCAN_STATUS, SCAN_RESULTS = 0x0320, 0x0610, 0x07CD, 0x0401
PATCH_START = 0x8000
PATCH_ENABLE_BIT = 0x10
SCAN_ABORT_REGISTER = 0x089B
SCAN_RUNNING, SCAN_ABORTED, SCAN_DONE = 0x0F, 0xF0, 0xFF
SCAN_LEVELS = 33
SCAN_STEP_DB = 4
SCAN_MAGIC = 0x0B
US_PER_SCAN_POINT = 8
"""A point of the spectral scan takes about 8 µs: 24 of them are the 128 µs of FACTS §11 with set-up."""
VERSION_BEFORE, VERSION_AFTER = b"SX1261 V2D 2D02\0", b"SX1261 V2D 2D06\0"
LBT_SCAN_LIMIT_US = 10_000_000

GET_STATUS, GET_DEVICE_ERRORS, READ_REGISTER, GET_RSSI = 0xC0, 0x17, 0x1D, 0x15
SILENT_COMMANDS = frozenset({0x8A, 0x8B, 0x8C, 0x8F, 0x89, 0x96, 0x97, 0x9D, 0x07, 0x08, 0x02})

Complain = Callable[[Fault, str], None]


class Sx1261:
    """The helper radio; ``noise_dbm(frequency_hz)`` is what its antenna hears."""

    def __init__(
        self,
        complain: Complain,
        ticks: Callable[[], int],
        *,
        noise_dbm: Callable[[int], float] = lambda _: -110.0,
    ) -> None:
        self._complain = complain
        self._ticks = ticks
        self.noise_dbm = noise_dbm
        self._commands: dict[int, Callable[[bytes], None]] = {
            0x80: self._set_standby,
            0x82: self._set_rx,
            0xC1: self._set_fs,
            0x86: self._set_frequency,
            0x98: self._calibrate_image,
            0x0D: self._write_registers,
            0xD9: self._apply_patch,
            0x9A: self._start_lbt,
            0x9B: self._start_scan,
        }
        self.restart()

    def restart(self) -> None:
        """Come out of reset, unpatched."""
        self.mode = MODE_STANDBY_RC
        self.errors = 0
        self.frequency_raw = 0
        self.patched = False
        self.registers: dict[int, int] = {}
        self.lbt_threshold_dbm: float | None = None
        self._scan_ends = 0
        self._scan_points = 0
        self._scan_aborted = False

    @property
    def status(self) -> int:
        """Mode in bits 6:4, command status in bits 3:1; 0x22 in standby RC."""
        return self.mode << 4 | COMMAND_OK

    @property
    def frequency_hz(self) -> int:
        """The tuned frequency."""
        return round(self.frequency_raw * CRYSTAL_HZ / FREQUENCY_STEPS)

    def transfer(self, frame: bytes) -> bytes:
        """Answer one chip-select assertion: ``opcode + arguments``."""
        if not frame:
            return b""
        opcode, arguments = frame[0], frame[1:]
        reply = bytearray((self.status,)) * len(frame)
        if opcode == READ_REGISTER:
            self._read_registers(arguments, reply)
        elif opcode == GET_DEVICE_ERRORS:
            reply[2:4] = self.errors.to_bytes(2, "big")[: max(0, len(reply) - 2)]
        elif opcode == GET_RSSI:
            level = min(255, max(0, round(-2 * self.noise_dbm(self.frequency_hz))))
            reply[2:3] = bytes((level,))[: max(0, len(reply) - 2)]
        elif opcode != GET_STATUS:
            self._command(opcode, arguments)
        return bytes(reply)

    def _read_registers(self, arguments: bytes, reply: bytearray) -> None:
        address = int.from_bytes(arguments[:2], "big")
        for index in range(4, len(reply)):
            reply[index] = self._register(address + index - 4)

    def _register(self, address: int) -> int:
        if VERSION_REGISTER <= address < VERSION_REGISTER + len(VERSION_BEFORE):
            return (VERSION_AFTER if self.patched else VERSION_BEFORE)[address - VERSION_REGISTER]
        if address == SCAN_STATUS:
            return self._scan_status()
        if SCAN_RESULTS <= address < SCAN_RESULTS + 2 * SCAN_LEVELS:
            level, low = divmod(address - SCAN_RESULTS, 2)
            count = self._scan_counts()[level]
            return count & 0xFF if low else count >> 8
        return self.registers.get(address, 0)

    def _command(self, opcode: int, arguments: bytes) -> None:
        command = self._commands.get(opcode)
        if command is not None:
            command(arguments)
        elif opcode not in SILENT_COMMANDS:
            self._complain(Fault.SX1261_COMMAND_UNKNOWN, f"opcode {opcode:02x}")

    def _set_standby(self, arguments: bytes) -> None:
        self.mode = MODE_STANDBY_XOSC if arguments[:1] == b"\x01" else MODE_STANDBY_RC

    def _set_rx(self, _: bytes) -> None:
        self.mode = MODE_RX

    def _set_fs(self, _: bytes) -> None:
        self.mode = MODE_FS

    def _set_frequency(self, arguments: bytes) -> None:
        self.frequency_raw = int.from_bytes(arguments[:4], "big")
        self.registers.update(enumerate(arguments[:4], start=FREQUENCY_REGISTER))

    def _calibrate_image(self, arguments: bytes) -> None:
        self.errors = 0 if arguments[:2] in IMAGE_BANDS else CALIBRATION_ERROR

    def _write_registers(self, arguments: bytes) -> None:
        address = int.from_bytes(arguments[:2], "big")
        if address == SCAN_ABORT_REGISTER and arguments[2:3] == b"\0":
            self.lbt_threshold_dbm = None
            self._scan_aborted = self._ticks() < self._scan_ends
        if PATCH_START <= address < PATCH_START + PATCH_BYTES and not (
            self.registers.get(PATCH_ENABLE, 0) & PATCH_ENABLE_BIT
        ):
            self._complain(Fault.SX1261_PATCH_INCOMPLETE, f"patch word at {address:04x} without 0610=10")
            return
        for index, value in enumerate(arguments[2:]):
            self.registers[address + index & 0xFFFF] = value

    def _apply_patch(self, _: bytes) -> None:
        words = [self.registers.get(PATCH_START + index) for index in range(PATCH_BYTES)]
        image = bytes(value for value in words if value is not None)
        if len(image) != PATCH_BYTES:
            self._complain(Fault.SX1261_PATCH_INCOMPLETE, f"{len(image)} of {PATCH_BYTES} bytes were written")
            return
        known = known_images().get(hashlib.sha256(image).hexdigest())
        if known is None or known.program is not Program.SX1261:
            self._complain(Fault.MCU_UNKNOWN_PROGRAM, "sx1261: the patch is not in the catalogue")
        self.patched = True

    def _start_lbt(self, arguments: bytes) -> None:
        if not self.patched:
            self._complain(Fault.SX1261_SCAN_UNPATCHED, "listen-before-talk without the patch")
        if len(arguments) >= 4:
            self.lbt_threshold_dbm = -arguments[3] / 2

    def _start_scan(self, arguments: bytes) -> None:
        if not self.patched:
            self._complain(Fault.SX1261_SCAN_UNPATCHED, "spectral scan without the patch")
        self._scan_points = int.from_bytes(arguments[:2], "big")
        self._scan_ends = self._ticks() + self._scan_points * US_PER_SCAN_POINT * TICKS_PER_US
        self._scan_aborted = False

    def _scan_status(self) -> int:
        if self._scan_aborted:
            return SCAN_ABORTED
        if not self._scan_points:
            return 0
        return SCAN_RUNNING if self._ticks() < self._scan_ends else SCAN_DONE

    def _scan_counts(self) -> list[int]:
        """Return how many points fell on each level: two neighbours share what the antenna hears."""
        counts = [0] * SCAN_LEVELS
        place = min(SCAN_LEVELS - 1.0, max(0.0, -self.noise_dbm(self.frequency_hz) / SCAN_STEP_DB))
        low = int(place)
        counts[low] = round(self._scan_points * (1 - (place - low)))
        if low + 1 < SCAN_LEVELS:
            counts[low + 1] = self._scan_points - counts[low]
        return counts

    def channel_is_free(self) -> bool | None:
        """Return what listen-before-talk says now; None when it is not listening."""
        if self.lbt_threshold_dbm is None:
            return None
        return self.noise_dbm(self.frequency_hz) < self.lbt_threshold_dbm
