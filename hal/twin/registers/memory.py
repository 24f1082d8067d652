"""The program memories of the two microcontrollers, writable only by a host that said so.

Sources: FACTS §3 (AGC 0x0000-0x1FFF, ARB 0x2000-0x3FFF, page 0), §6.16 (HOST_PROG), §13.3, §13.14; page 1 is
that of the recording of ``test_loragw_capture_ram``.
"""

from collections.abc import Callable

from hal.twin.complaints import Fault
from hal.twin.faults import Mcu
from hal.twin.parts.microcontrollers import AGC_CTRL, ARB_CTRL, PROG_BIT

ARB_START, MEMORY_END = 0x2000, 0x4000
PAGE = 0x5600
CAPTURE_PAGE = 1

Complain = Callable[[Fault, str], None]


class ProgramMemory:
    """Checks every access to 0x0000-0x3FFF."""

    def __init__(self, registers: bytearray, complain: Complain) -> None:
        self._registers = registers
        self._complain = complain

    def restart(self) -> None:
        """Reset: memories read as zero."""
        self._registers[:MEMORY_END] = bytes(MEMORY_END)

    def write(self, address: int, data: bytes) -> Mcu | None:
        """Store ``data``; return whose memory took it, None when it was refused."""
        mcu = Mcu.AGC if address < ARB_START else Mcu.ARB
        limit = ARB_START if mcu is Mcu.AGC else MEMORY_END
        if not self._may_program(mcu):
            self._complain(Fault.RAM_WITHOUT_HOST_PROG, f"{mcu}: {len(data)} bytes at {address:04x}")
            return None
        if self._registers[PAGE] & 0x03:
            self._complain(Fault.RAM_ON_WRONG_PAGE, f"{mcu}: page {self._registers[PAGE] & 0x03}")
            return None
        kept = data[: limit - address]
        if len(kept) != len(data):
            self._complain(Fault.RAM_OVERRUN, f"{mcu}: {len(data)} bytes at {address:04x} pass {limit:04x}")
        self._registers[address : address + len(kept)] = kept
        return mcu

    def is_read(self, address: int) -> bool:
        """Return whether a read is one of program memory, and complain about it outside HOST_PROG.

        On the page of CAPTURE_RAM the same addresses hold captured samples: silence here.
        """
        if self._registers[PAGE] & 0x03 == CAPTURE_PAGE:
            return False
        mcu = Mcu.AGC if address < ARB_START else Mcu.ARB
        if not self._may_program(mcu):
            self._complain(Fault.RAM_READ_WITHOUT_HOST_PROG, f"{mcu}: read at {address:04x}")
        return True

    def _may_program(self, mcu: Mcu) -> bool:
        return bool(self._registers[AGC_CTRL if mcu is Mcu.AGC else ARB_CTRL] & PROG_BIT)
