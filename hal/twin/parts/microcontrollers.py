"""The AGC and ARB microcontrollers as state machines: load, start, handshake, run.

    state        event                        ->  state
    halted       MCU_CLEAR 1 -> 0, program ok ->  booted (status 0x01, version shown)
    halted       MCU_CLEAR 1 -> 0, bad parity ->  halted, parity bit set
    booted...    the next row's notify        ->  its status, mailboxes 0-2 copied back
    any          MCU_CLEAR = 1                ->  halted (status 0x00)

Sources: FACTS §6.16–6.18 (sequences, statuses, versions), §7 (parity), §13.4–13.5.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable

from hal.twin.complaints import Fault
from hal.twin.images import MCU_IMAGE_BYTES, Program, known_images, parity_holds

CLEAR_BIT = 0x04
PROG_BIT = 0x02
PARITY_BIT = 0x01

AGC_CTRL, AGC_STATUS = 0x5780, 0x5781
AGC_WRITE_BOX3, AGC_WRITE_BOX0 = 0x5789, 0x578C
AGC_READ_BOX3, AGC_READ_BOX0 = 0x578D, 0x5790
ARB_CTRL, ARB_STATUS = 0x6080, 0x6081
ARB_CFG_0, ARB_CFG_1, ARB_STS_0 = 0x6089, 0x608A, 0x608D

BOOTED = 0x01
RUNNING = 0x00
LAST_NOTIFY = 0x0F
LBT_NOTIFY = 0x0B
LBT_DECIDED, LBT_BLOCKED = 0x01, 0x40
"""AGC status for radio A, one bit higher for B: the host waits for the first, then reads the second."""

AGC_ROWS: dict[int, tuple[int, int]] = {
    0x01: (0x80, 0x02),
    0x02: (0x20, 0x03),
    0x03: (0x03, 0x04),
    0x04: (0x04, 0x05),
    0x05: (0x05, 0x06),
    0x06: (0x06, 0x07),
    0x07: (0x07, 0x08),
    0x08: (0x08, 0x09),
    0x09: (0x09, 0x0A),
    0x0A: (0x0A, 0x0B),
    0x0B: (LBT_NOTIFY, 0x0F),
    0x0F: (LAST_NOTIFY, RUNNING),
}
"""Status -> the notify that it waits for, and the status after it (FACTS §6.17, SX1250)."""

DEFAULT_VERSION = {Program.AGC: 10, Program.ARB: 2}
"""What an unknown program with sound parity is taken for, so that other synthetic images run too."""

Complain = Callable[[Fault, str], None]


class _Mcu(ABC):
    """What both microcontrollers share: program memory, clear, start, parity."""

    program = Program.AGC
    control = AGC_CTRL
    ram_start = 0x0000

    def __init__(self, registers: bytearray, complain: Complain) -> None:
        self._registers = registers
        self._complain = complain
        self.silent = False
        self.version = 0
        self.started = False
        self.running = False
        self.loaded = False

    def restart(self) -> None:
        """Reset: nothing runs, nothing is loaded."""
        self.started = self.running = self.loaded = False
        self.version = 0

    def write_control(self, value: int) -> None:
        """Follow a write to the control register."""
        before = self._registers[self.control]
        self._registers[self.control] = (value & ~PARITY_BIT) | (before & PARITY_BIT)
        if value & CLEAR_BIT:
            self.started = self.running = False
            self._registers[self.control] &= ~PARITY_BIT
            self._halt()
        elif before & CLEAR_BIT:
            self._start(programmed=bool(value & PROG_BIT))

    def _start(self, *, programmed: bool) -> None:
        if programmed:
            self._complain(
                Fault.MCU_STARTED_WHILE_PROGRAMMED, f"{self.program}: MCU_CLEAR released in HOST_PROG"
            )
            return
        if not self.loaded:
            self._complain(Fault.MCU_WITHOUT_PROGRAM, f"{self.program}: started with empty memory")
            return
        image = bytes(self._registers[self.ram_start : self.ram_start + MCU_IMAGE_BYTES])
        if not parity_holds(image):
            self._complain(Fault.MCU_PARITY, f"{self.program}: a word of the program has odd parity")
            self._registers[self.control] |= PARITY_BIT
            return
        self.version = self._recognise(image)
        self.started = True
        if not self.silent:
            self._boot()

    def _recognise(self, image: bytes) -> int:
        known = known_images().get(hashlib.sha256(image).hexdigest())
        if known is not None and known.program is self.program:
            return known.version
        what = f"is {known.name}" if known is not None else "is not in the catalogue"
        self._complain(Fault.MCU_UNKNOWN_PROGRAM, f"{self.program}: the program {what}")
        return DEFAULT_VERSION[self.program]

    @abstractmethod
    def _halt(self) -> None: ...

    @abstractmethod
    def _boot(self) -> None: ...


class Agc(_Mcu):
    """Gain control and the owner of the radios once it runs; also says what became of LBT."""

    def __init__(self, registers: bytearray, complain: Complain) -> None:
        super().__init__(registers, complain)
        self.lbt = False

    def _halt(self) -> None:
        self._registers[AGC_STATUS] = 0

    def _boot(self) -> None:
        self._registers[AGC_STATUS] = BOOTED
        self._registers[AGC_READ_BOX0] = self.version
        self.lbt = False

    def write_mailbox(self, address: int, value: int) -> None:
        """Follow a write to a mailbox; mailbox 3 notifies."""
        self._registers[address] = value
        if not self.started or self.silent:
            return
        if address == AGC_WRITE_BOX3:
            self._notified(value)
        elif address == AGC_WRITE_BOX0 and self.running and value == 0xFF:
            self._registers[AGC_STATUS] = RUNNING

    def _notified(self, notify: int) -> None:
        status = self._registers[AGC_STATUS]
        row = AGC_ROWS.get(status) if not self.running else None
        if row is None or row[0] != notify:
            self._complain(Fault.HANDSHAKE_OUT_OF_ORDER, f"agc: notify {notify:02x} in status {status:02x}")
            return
        registers = self._registers
        registers[AGC_READ_BOX3 + 1 : AGC_READ_BOX0 + 1] = registers[AGC_WRITE_BOX3 + 1 : AGC_WRITE_BOX0 + 1]
        registers[AGC_STATUS] = row[1]
        if notify == LBT_NOTIFY:
            self.lbt = bool(registers[AGC_WRITE_BOX0])
        self.running = notify == LAST_NOTIFY

    def report_lbt(self, rf_chain: int, *, sent: bool) -> None:
        """Show what listen-before-talk decided: a bit says that, another that it blocked (FACTS §11)."""
        self._registers[AGC_STATUS] = (LBT_DECIDED if sent else LBT_DECIDED | LBT_BLOCKED) << rf_chain


class Arb(_Mcu):
    """The arbiter that hands detected preambles to demodulators."""

    program = Program.ARB
    control = ARB_CTRL
    ram_start = 0x2000

    def _halt(self) -> None:
        self._registers[ARB_STATUS] = 0

    def _boot(self) -> None:
        self._registers[ARB_STATUS] = BOOTED
        self._registers[ARB_STS_0] = self.version

    def write_start(self, address: int, value: int) -> None:
        """Follow a write to DEBUG_CFG_1: 1 ends the handshake."""
        self._registers[address] = value
        if value != 1 or not self.started or self.silent:
            return
        if self.running:
            self._complain(Fault.HANDSHAKE_OUT_OF_ORDER, "arb: started twice")
        self._registers[ARB_STATUS] = RUNNING
        self.running = True
