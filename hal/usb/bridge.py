"""The MCU bridge as a bus: one SPI frame or a whole bulk of writes per command, resets, temperature.

Sources: FACTS §2; §2 on what the reference does not check: ids, complete writes and reads.
"""

from collections.abc import Sequence

from hal.errors import LineFailed
from hal.ports import ByteLine
from hal.usb import protocol
from hal.usb.protocol import Command, McuIdentity, McuStatus, SpiTarget

PORT_A = 0
POWER_PIN, SX1302_RESET_PIN, SX1261_RESET_PIN = 1, 2, 8
RESET_SEQUENCE = (
    (POWER_PIN, 1),
    (SX1302_RESET_PIN, 1),
    (SX1302_RESET_PIN, 0),
    (SX1261_RESET_PIN, 0),
    (SX1261_RESET_PIN, 1),
)


class UsbBridge:
    """``hal.ports.Bus`` for the SX1302; ``sx1261`` is the other chip select."""

    where = "USB bridge"

    def __init__(self, line: ByteLine) -> None:
        self._line = line
        self._identifier = 0
        self._out_of_step = False
        """Whether the last command failed, so that bytes of its answer may still come."""
        self.identity: McuIdentity | None = None
        self.commands = 0
        self.sx1261 = _Chip(self, SpiTarget.SX1261)

    def reset(self) -> None:
        """Open the conversation and pulse power and reset lines through the microcontroller."""
        self._line.flush_input()
        self.identity = protocol.decode_ping(self._ask(Command.PING), self.where)
        self.status()
        for pin, level in RESET_SEQUENCE:
            self._ask(Command.GPIO, bytes((PORT_A, pin, level)))

    def status(self) -> McuStatus:
        """Return the microcontroller's uptime and temperature."""
        return protocol.decode_status(self._ask(Command.STATUS), self.where)

    def celsius(self) -> float | None:
        """Return the board's temperature, which the microcontroller measures."""
        return self.status().temperature_c

    def transfer(self, mosi: bytes) -> bytes:
        """Move one frame over the SX1302's bus."""
        return self.spi(SpiTarget.SX1302, mosi)

    def write_many(self, frames: Sequence[bytes]) -> None:
        """Move several frames in as few commands as bulk mode allows."""
        self.spi_many(SpiTarget.SX1302, frames)

    def spi(self, target: SpiTarget, frame: bytes) -> bytes:
        """Move one frame."""
        payload = self._ask(Command.SPI, protocol.spi_part(0, target, frame))
        return protocol.spi_answers(payload, 1, self.where)[0]

    def spi_many(self, target: SpiTarget, frames: Sequence[bytes]) -> None:
        """Move frames whose answers do not matter; every one must be acknowledged."""
        for bundle in protocol.bundles(target, frames):
            payload = self._ask(Command.SPI, b"".join(bundle))
            protocol.spi_answers(payload, len(bundle), self.where)

    def close(self) -> None:
        """Release the line."""
        self._line.close()

    def _ask(self, command: Command, payload: bytes = b"") -> bytes:
        if self._out_of_step:
            self._line.flush_input()
        self._out_of_step = True
        self._identifier = (self._identifier + 1) & 0xFF
        self.commands += 1
        self._line.write(protocol.encode(self._identifier, command, payload))
        header = protocol.decode_header(self._exactly(protocol.HEADER_BYTES, command))
        protocol.check_header(header, self._identifier, command, self.where)
        answer = self._exactly(header.size, command)
        self._out_of_step = False
        return answer

    def _exactly(self, count: int, command: Command) -> bytes:
        data = self._line.read(count) if count else b""
        if len(data) != count:
            raise LineFailed(
                f"{len(data)} of {count} bytes answered {command.name} in time", where=self.where
            )
        return data


class _Chip:
    """One chip select of the bridge as a bus of its own."""

    def __init__(self, bridge: UsbBridge, target: SpiTarget) -> None:
        self._bridge = bridge
        self._target = target

    def transfer(self, mosi: bytes) -> bytes:
        """Move one frame."""
        return self._bridge.spi(self._target, mosi)

    def write_many(self, frames: Sequence[bytes]) -> None:
        """Move several frames in bulk."""
        self._bridge.spi_many(self._target, frames)

    def close(self) -> None:
        """Nothing to release: the bridge owns the line."""
