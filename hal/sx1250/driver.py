"""Runs SX1250 commands over the concentrator's bus and checks what the radio answers.

Sources: FACTS §1 (1 ms before every access stands in for the BUSY pin), §6.3, §6.4.
"""

from collections.abc import Sequence

from hal.bus import spi_frames
from hal.bus.access import Registers
from hal.errors import ChipMisbehaved
from hal.ports import HalClock
from hal.sx1250.commands import IMAGE_ERROR_BIT, STATUS_MODE_MASK, STATUS_MODE_SHIFT, Command

BUSY_US = 1000


class Sx1250:
    """One radio, behind the mux of the SX1302."""

    def __init__(self, registers: Registers, rf_chain: int, clock: HalClock) -> None:
        self._registers = registers
        self._rf_chain = rf_chain
        self._clock = clock
        self.where = f"SX1250 of radio {rf_chain}"

    def run(self, commands: Sequence[Command]) -> None:
        """Run commands in order.

        Raises:
            ChipMisbehaved: wrong mode after a standby, or a failed image calibration.
        """
        for command in commands:
            self._clock.sleep(BUSY_US / 1e6)
            frame = spi_frames.radio(self._rf_chain, command.opcode, command.arguments)
            answer = spi_frames.radio_answer(self._registers.transfer(frame))
            if command.settle_us:
                self._clock.sleep(command.settle_us / 1e6)
            self._check(command, answer)

    def _check(self, command: Command, answer: bytes) -> None:
        if command.mode is not None:
            mode = answer[0] >> STATUS_MODE_SHIFT & STATUS_MODE_MASK
            if mode != command.mode:
                raise ChipMisbehaved(
                    f"mode {mode} after SET_STANDBY, not {command.mode} (status {answer[0]:#04x})",
                    where=self.where,
                )
        if command.image and answer[2] >> IMAGE_ERROR_BIT & 1:
            raise ChipMisbehaved(f"image calibration failed (errors {answer.hex()})", where=self.where)
