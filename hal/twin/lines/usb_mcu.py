"""The STM32 of a Corecell USB board, as its host sees it on the serial line: bytes in, bytes out.

    frame         id, size MSB, size LSB, command, payload[size]; answered with command + 0x40
    SPI           request id, 0x01, target, length (2), data   ->  request id, 0x01, status, length (2), MISO
    SPI RMW       request id, 0x02, address (2), mask, value   ->  request id, 0x02, status, old, new

Sources: FACTS §2 (commands, acks, bulk mode, pins of the open sequence).
"""

from collections.abc import Callable
from dataclasses import dataclass

from hal.twin.chip import RESET_SX1261, RESET_SX1302, VirtualChip

HEADER_BYTES = 4
COMMAND_LIMIT_BYTES = 4200
BULK_LIMIT_REQUESTS = 255
ACK, ERROR = 0x40, 0xFF
PING, STATUS, BOOTLOADER, RESET, GPIO, SPI = 0x00, 0x01, 0x02, 0x03, 0x04, 0x05
READ_WRITE, MODIFY = 0x01, 0x02
OK, FAILED, WRONG_PARAMETER = 0, 1, 2
POWER, RESET_1302, RESET_1261 = (0, 1), (0, 2), (0, 8)
VERSION = b"V01.00.00"
BOOTLOADER_MS = 2_000
"""Until a bootloader that nobody programs starts the firmware again; the port is mute meanwhile."""
UNIQUE_ID = bytes.fromhex("0039002e3138511234313735")


@dataclass(slots=True, kw_only=True)
class McuFaults:
    """What goes wrong on a serial line or in a microcontroller, on request."""

    mute: bool = False
    """It never answers."""
    wrong_id: bool = False
    """Answers carry another id than the request."""
    error_answers: int = 0
    """Number of next commands that are refused with 0xFF."""
    cut_answers_to: int | None = None
    """Answers end after so many bytes."""
    spi_status: int = OK
    """Status of every SPI request."""


class UsbMcu:
    """One microcontroller before one chip; ``feed`` takes bytes as they come and returns the answers."""

    def __init__(self, chip: VirtualChip, *, uptime_ms: Callable[[], int] | None = None) -> None:
        self._chip = chip
        self._uptime_ms = uptime_ms if uptime_ms is not None else lambda: chip.now_ticks() // 32_000
        self._buffer = b""
        self._pins: dict[tuple[int, int], int] = {}
        self.faults = McuFaults()
        self.commands = 0
        self.refused = 0
        self._boots_at_ms: int | None = None
        self._handlers: dict[int, Callable[[bytes], bytes | None]] = {
            PING: lambda _: UNIQUE_ID + VERSION,
            STATUS: self._status,
            BOOTLOADER: self._bootloader,
            RESET: self._reset,
            GPIO: self._gpio,
            SPI: self._spi,
        }

    @property
    def powered(self) -> bool:
        """Whether the concentrator has its supply (PA1)."""
        return self._pins.get(POWER, 0) == 1

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the line; return what goes back."""
        self._buffer += data
        answers = b""
        while len(self._buffer) >= HEADER_BYTES:
            size = self._buffer[1] << 8 | self._buffer[2]
            if size > COMMAND_LIMIT_BYTES:
                self.refused += 1
                answers += self._frame(self._buffer[0], ERROR, b"")
                self._buffer = b""
                break
            if len(self._buffer) < HEADER_BYTES + size:
                break
            frame, self._buffer = self._buffer[: HEADER_BYTES + size], self._buffer[HEADER_BYTES + size :]
            answers += self._answer(frame[0], frame[3], frame[HEADER_BYTES:])
        return answers

    def _answer(self, identifier: int, command: int, payload: bytes) -> bytes:
        self.commands += 1
        faults = self.faults
        if faults.mute or self._in_bootloader():
            return b""
        handler = self._handlers.get(command)
        answer = handler(payload) if handler is not None and faults.error_answers <= 0 else None
        if answer is None:
            faults.error_answers = max(0, faults.error_answers - 1)
            self.refused += 1
            return self._frame(identifier, ERROR, b"")
        framed = self._frame(identifier ^ 0x55 if faults.wrong_id else identifier, command + ACK, answer)
        return framed if faults.cut_answers_to is None else framed[: faults.cut_answers_to]

    @staticmethod
    def _frame(identifier: int, command: int, payload: bytes) -> bytes:
        return bytes((identifier, len(payload) >> 8, len(payload) & 0xFF, command)) + payload

    def _status(self, _: bytes) -> bytes:
        temperature = round(self._chip.thermometer.temperature_c * 100)
        return (self._uptime_ms() & 0xFFFFFFFF).to_bytes(4, "big") + temperature.to_bytes(
            2, "big", signed=True
        )

    def _bootloader(self, _: bytes) -> bytes:
        self._boots_at_ms = self._uptime_ms() + BOOTLOADER_MS
        return b""

    def _in_bootloader(self) -> bool:
        """Whether a host that programs it would find the bootloader; nobody does, so it leaves again."""
        if self._boots_at_ms is not None and self._uptime_ms() >= self._boots_at_ms:
            self._boots_at_ms = None
        return self._boots_at_ms is not None

    def _reset(self, payload: bytes) -> bytes | None:
        if len(payload) != 1:
            return None
        self._chip.reset(RESET_SX1302)
        return bytes((OK,))

    def _gpio(self, payload: bytes) -> bytes | None:
        if len(payload) != 3:
            return None
        pin, level = (payload[0], payload[1]), payload[2]
        before = self._pins.get(pin, 0)
        self._pins[pin] = level
        if pin == RESET_1302 and before and not level:
            self._chip.reset(RESET_SX1302)
        elif pin == RESET_1261 and level and not before:
            self._chip.reset(RESET_SX1261)
        elif pin == POWER and before and not level:
            self._chip.reset(RESET_SX1302)
            self._chip.reset(RESET_SX1261)
        return bytes((OK,))

    def _spi(self, payload: bytes) -> bytes | None:
        answers = b""
        requests = 0
        while payload:
            requests += 1
            taken = self._one_request(payload)
            if taken is None or requests > BULK_LIMIT_REQUESTS:
                return None
            used, answer = taken
            payload = payload[used:]
            answers += answer
        return answers if requests else None

    def _one_request(self, payload: bytes) -> tuple[int, bytes] | None:
        """Serve the first request of a bulk; None when it is malformed."""
        if len(payload) < 5:
            return None
        if payload[1] == MODIFY:
            return self._modify(payload)
        if payload[1] != READ_WRITE:
            return None
        length = payload[3] << 8 | payload[4]
        frame = payload[5 : 5 + length]
        if len(frame) != length or payload[2] > 1:
            return None
        miso = self._move(payload[2], frame)
        head = bytes((payload[0], READ_WRITE, self.faults.spi_status, length >> 8, length & 0xFF))
        return 5 + length, head + miso

    def _modify(self, payload: bytes) -> tuple[int, bytes] | None:
        if len(payload) < 6:
            return None
        identifier, _, high, low, mask, value = payload[:6]
        old = self._move(0, bytes((0, high & 0x7F, low, 0, 0)))[4]
        new = (old & ~mask & 0xFF) | (value & mask)
        self._move(0, bytes((0, high | 0x80, low, new)))
        return 6, bytes((identifier, MODIFY, self.faults.spi_status, old, new))

    def _move(self, target: int, frame: bytes) -> bytes:
        if not self.powered:
            return bytes(len(frame))
        return self._chip.transfer(frame) if target == 0 else self._chip.transfer_sx1261(frame)
