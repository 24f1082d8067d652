"""The SX1302's bus: a multiplexer in byte 0, then register frames for the chip or commands for a radio.

Sources: FACTS §1 (framing), §6.4-6.5 (HOST_RADIO_CTRL), §8 (FIFO at 0x4000), §13.7.
"""

from hal.twin.complaints import Fault
from hal.twin.faults import Mcu
from hal.twin.registers.memory import ProgramMemory
from hal.twin.registers.special_registers import Silicon, SpecialRegisters

MUX_CHIP = 0
RADIO_TARGETS = (1, 2)
WRITE_BIT = 0x80
FIFO = 0x4000
CTRL0 = 0x5601
HOST_RADIO_CTRL = 0x08
READ_OVERHEAD_BYTES = 4


class FrameDecoder:
    """Answers chip-select assertions; the caller holds the chip's lock."""

    def __init__(self, silicon: Silicon, special: SpecialRegisters, memory: ProgramMemory) -> None:
        self._silicon = silicon
        self._special = special
        self._memory = memory

    def answer(self, mosi: bytes) -> bytes:
        """Return the MISO bytes, faults of the line included."""
        faults = self._silicon.faults
        if faults.dead_bus is not None:
            return bytes((faults.dead_bus,)) * len(mosi)
        noisy = faults.spi_bit_error_every_bytes
        if noisy:
            mosi = faults.flip_bits(mosi)
        miso = self._chip(mosi) if len(mosi) >= 3 and mosi[0] == MUX_CHIP else self._radio(mosi)
        return faults.flip_bits(miso) if noisy else miso

    def _chip(self, mosi: bytes) -> bytes:
        high = mosi[1]
        address = (high & 0x7F) << 8 | mosi[2]
        if high & WRITE_BIT:
            self._write(address, mosi[3:])
            return bytes(len(mosi))
        count = len(mosi) - READ_OVERHEAD_BYTES
        if count <= 0:
            self._silicon.complain(Fault.SHORT_TRANSACTION, f"read of {address:04x} in {len(mosi)} bytes")
            return bytes(len(mosi))
        self._special.begin()
        if address == FIFO:
            return bytes(READ_OVERHEAD_BYTES) + self._pop(count)
        if address < FIFO and not self._memory.is_read(address):
            return bytes(READ_OVERHEAD_BYTES + count)
        return bytes(READ_OVERHEAD_BYTES) + self._silicon.space.read(address, count)

    def _pop(self, count: int) -> bytes:
        there = len(self._silicon.fifo)
        if count > there:
            self._silicon.complain(Fault.FIFO_READ_EMPTY, f"{count} bytes read, {there} there")
        return self._silicon.fifo.pop(count)

    def _write(self, address: int, data: bytes) -> None:
        silicon = self._silicon
        if not data:
            silicon.complain(Fault.SHORT_TRANSACTION, f"write to {address:04x} without data")
        elif address < FIFO:
            loaded = self._memory.write(address, data)
            silicon.agc.loaded = silicon.agc.loaded or loaded is Mcu.AGC
            silicon.arb.loaded = silicon.arb.loaded or loaded is Mcu.ARB
        else:
            silicon.agc.silent = Mcu.AGC in silicon.faults.silent_mcus
            silicon.arb.silent = Mcu.ARB in silicon.faults.silent_mcus
            silicon.space.write(address, data)

    def _radio(self, mosi: bytes) -> bytes:
        silicon = self._silicon
        if len(mosi) < 2 or mosi[0] not in RADIO_TARGETS:
            known = not mosi or mosi[0] in (MUX_CHIP, *RADIO_TARGETS)
            fault = Fault.SHORT_TRANSACTION if known else Fault.MUX_UNKNOWN
            silicon.complain(fault, f"{len(mosi)} bytes for target {mosi[:1].hex() or 'none'}")
            return bytes(len(mosi))
        index = mosi[0] - RADIO_TARGETS[0]
        radio = silicon.radios[index]
        if not silicon.space.registers[CTRL0] & HOST_RADIO_CTRL:
            silicon.complain(Fault.RADIO_OWNED_BY_MCU, f"{radio.name}: command {mosi[1]:02x}")
        radio.calibration_fails = index in silicon.faults.radio_calibration_fails
        return b"\0" + radio.transfer(mosi[1:])
