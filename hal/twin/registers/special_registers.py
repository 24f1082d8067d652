"""The addresses of the SX1302 where a read or write means something, wired to the parts of the chip.

Sources: FACTS §3 (blocks), §4 (OTP), §6 (start-up), §8 (FIFO count), §9 (counters), §10 (TX), §13.
"""

from collections.abc import Callable
from dataclasses import dataclass

from hal.twin.complaints import Fault
from hal.twin.facts import MODEL_SX1302, VERSIONS
from hal.twin.faults import AGC_STUCK_STATUS, Faults
from hal.twin.parts.fifo import RxFifo
from hal.twin.parts.microcontrollers import (
    AGC_CTRL,
    AGC_STATUS,
    AGC_WRITE_BOX0,
    AGC_WRITE_BOX3,
    ARB_CFG_1,
    ARB_CTRL,
    PARITY_BIT,
    Agc,
    Arb,
)
from hal.twin.parts.sx1250 import Sx1250
from hal.twin.parts.transmitter import CTRL, TRIG, Transmitter
from hal.twin.parts.tx_registers import CHAIN_SPAN, TX_BASE, TX_BUFFER
from hal.twin.pps import Pps
from hal.twin.registers.address_space import AddressSpace

RF_EN_A = 0x5783
RADIO_EN, RADIO_RST = 0x04, 0x08
VERSION = 0x5606
FIFO_COUNT = 0x58C8
GPS_CTRL, COUNTERS = 0x6100, 0x6101
GPS_EN = 0x01
OTP_ADDRESS, OTP_DATA, OTP_MODEL = 0x6180, 0x6181, 0xD0
TX_BUFFER_BYTES = 0x100
CAPTURE_CFG, CAPTURE_STATUS = 0x6000, 0x6005
CAPTURE_ENABLE, CAPTURE_START = 0x10, 0x02
CAPTURE_COMPLETE = 0x01
WRITE_BUFFER = 0x01


@dataclass(frozen=True, slots=True, kw_only=True)
class Silicon:
    """The parts that special registers reach."""

    space: AddressSpace
    complain: Callable[[Fault, str], None]
    faults: Faults
    fifo: RxFifo
    pps: Pps
    agc: Agc
    arb: Arb
    radios: tuple[Sx1250, Sx1250]
    transmitters: tuple[Transmitter, Transmitter]
    eui: bytes
    model: int
    ticks: Callable[[], int]
    trigger: Callable[[Transmitter, int], None]


class SpecialRegisters:
    """Installs the watchers, once."""

    def __init__(self, silicon: Silicon) -> None:
        self._silicon = silicon
        self._latched = b""
        self._count: int | None = None
        self._pps_before_loss: int | None = None
        space = silicon.space
        space.watch_read(VERSION, lambda _: VERSIONS.get(silicon.model, VERSIONS[MODEL_SX1302]))
        space.watch_read(OTP_DATA, self._otp)
        space.watch_read(AGC_CTRL, self._control)
        space.watch_read(ARB_CTRL, self._control)
        space.watch_read(AGC_STATUS, self._agc_status)
        space.watch_read(FIFO_COUNT, self._fifo_count)
        space.watch_read(FIFO_COUNT + 1, self._fifo_count)
        for address in range(COUNTERS, COUNTERS + 8):
            space.watch_read(address, self._counter)
        space.watch_write(AGC_CTRL, lambda _, value: silicon.agc.write_control(value))
        space.watch_write(ARB_CTRL, lambda _, value: silicon.arb.write_control(value))
        for address in range(AGC_WRITE_BOX3, AGC_WRITE_BOX0 + 1):
            space.watch_write(address, silicon.agc.write_mailbox)
        space.watch_write(ARB_CFG_1, silicon.arb.write_start)
        space.watch_write(CAPTURE_CFG, self._capture)
        for chain in (0, 1):
            space.watch_write(RF_EN_A + chain, self._radio_lines)
            self._watch_transmitter(chain)

    def _watch_transmitter(self, chain: int) -> None:
        silicon, base = self._silicon, TX_BASE + CHAIN_SPAN * chain
        transmitter = silicon.transmitters[chain]
        silicon.space.watch_write(base + TRIG, lambda _, value: silicon.trigger(transmitter, value))
        for address in range(base + TX_BUFFER, base + TX_BUFFER + TX_BUFFER_BYTES):
            silicon.space.watch_write(address, self._tx_buffer)

    def begin(self) -> None:
        """Forget what the previous transaction latched: counters and FIFO count are whole within one."""
        self._latched = b""
        self._count = None

    @property
    def gps_enabled(self) -> bool:
        """Whether PPS edges are latched and may trigger."""
        return bool(self._silicon.space.registers[GPS_CTRL] & GPS_EN)

    def _tx_buffer(self, address: int, value: int) -> None:
        base = address & ~0x1FF
        registers = self._silicon.space.registers
        if not registers[base + CTRL] & WRITE_BUFFER:
            self._silicon.complain(Fault.TX_BUFFER_WITHOUT_WRITE_BUFFER, f"{address:04x}")
            return
        registers[address] = value

    def _capture(self, address: int, value: int) -> None:
        """Complete a capture of raw samples at once; what is captured is silence."""
        registers = self._silicon.space.registers
        registers[address] = value
        running = value & CAPTURE_ENABLE and value & CAPTURE_START
        registers[CAPTURE_STATUS] = CAPTURE_COMPLETE if running else 0

    def _radio_lines(self, address: int, value: int) -> None:
        self._silicon.space.registers[address] = value
        radio = self._silicon.radios[address - RF_EN_A]
        radio.lines(powered=bool(value & RADIO_EN), reset_high=bool(value & RADIO_RST))

    def _otp(self, _: int) -> int:
        index = self._silicon.space.registers[OTP_ADDRESS]
        if index < len(self._silicon.eui):
            return self._silicon.eui[index]
        return self._silicon.model if index == OTP_MODEL else 0

    def _control(self, address: int) -> int:
        value = self._silicon.space.registers[address]
        return value | PARITY_BIT if self._silicon.faults.agc_stuck else value

    def _agc_status(self, address: int) -> int:
        return AGC_STUCK_STATUS if self._silicon.faults.agc_stuck else self._silicon.space.registers[address]

    def _fifo_count(self, address: int) -> int:
        if self._count is None:
            self._count = self._silicon.faults.tear_count(len(self._silicon.fifo))
        return self._count >> 8 if address == FIFO_COUNT else self._count & 0xFF

    def _counter(self, address: int) -> int:
        if not self._latched:
            self._latched = self._counters()
        return self._latched[address - COUNTERS]

    def _counters(self) -> bytes:
        silicon = self._silicon
        now = silicon.ticks()
        latch = 0
        if self.gps_enabled:
            latch = silicon.pps.last(now)
            if silicon.faults.pps_missing:
                self._pps_before_loss = latch if self._pps_before_loss is None else self._pps_before_loss
                latch = self._pps_before_loss
            else:
                self._pps_before_loss = None
        eight = (latch & 0xFFFFFFFF).to_bytes(4, "big") + (now & 0xFFFFFFFF).to_bytes(4, "big")
        return silicon.faults.tear_counters(eight)
