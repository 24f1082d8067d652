"""The virtual SX1302/SX1303: bytes on the bus in, bytes out; frames from the air in, emissions out.

One lock guards the chip, so that a driver's thread and an injector's may work at once.  Emissions are
reported after the lock is released: the callback may inject into any chip.

Sources: FACTS §1 (framing), §13 (what a virtual chip must answer); ``README.md`` beside this file.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from hal.twin.clock import ChipCounter, RealClock, TwinClock
from hal.twin.complaints import ComplaintBook, Fault
from hal.twin.emission import Emission
from hal.twin.facts import MODEL_SX1302
from hal.twin.faults import Faults
from hal.twin.parts.fifo import RxFifo
from hal.twin.parts.microcontrollers import Agc, Arb
from hal.twin.parts.sx1250 import Sx1250
from hal.twin.parts.sx1261 import Sx1261
from hal.twin.parts.thermometer import Thermometer
from hal.twin.parts.transmitter import Transmitter
from hal.twin.pps import Pps
from hal.twin.reception.fifo_render import FrontEnd
from hal.twin.reception.receiver import Receiver
from hal.twin.registers.address_space import AddressSpace
from hal.twin.registers.frames import FrameDecoder
from hal.twin.registers.memory import ProgramMemory
from hal.twin.registers.special_registers import Silicon, SpecialRegisters
from hal.twin.rf_event import ReceptionVerdict, RfEvent

NEVER = 1 << 63

log = logging.getLogger("hal.twin")
HALF_TURN = 1 << 31
RESET_SX1302, RESET_SX1261 = 0, 1


class VirtualChip:
    """One concentrator card: SX1302 or SX1303, two SX1250, an SX1261, a thermometer.

    ``verdicts`` counts what became of every injected frame.
    ``on_emission`` is called from whatever thread notices that a transmission has ended; a RuntimeError
    from it (an event loop that was closed) is logged and does not disturb the bus.
    """

    def __init__(
        self,
        *,
        eui: str = "0016c001f12a3b4c",
        name: str = "",
        model: int = MODEL_SX1302,
        clock: TwinClock | None = None,
        front_end: FrontEnd | None = None,
        thermometer: Thermometer | None = None,
        pps: Pps | None = None,
        on_emission: Callable[[Emission], None] | None = None,
    ) -> None:
        if len(bytes.fromhex(eui)) != 8:
            raise ValueError(f"eui: {eui} is not 16 hex digits")
        self.eui = eui.lower()
        self.name = name or self.eui
        self.clock = ChipCounter(clock if clock is not None else RealClock())
        self.faults = Faults()
        self.complaints = ComplaintBook(self.clock.ticks, name=self.name)
        self.thermometer = thermometer if thermometer is not None else Thermometer()
        self.pps = pps if pps is not None else Pps()
        self.on_emission = on_emission
        self.fifo = RxFifo()
        self.resets = self.transactions = 0
        self._lock = threading.Lock()
        self._ended: list[Emission] = []
        self._next_at = NEVER
        complain = self.complaints.add
        self._space = AddressSpace(complain)
        registers = self._space.registers
        self._memory = ProgramMemory(registers, complain)
        self.radios = (Sx1250("radio_a", complain), Sx1250("radio_b", complain))
        self.sx1261 = Sx1261(complain, self.clock.ticks)
        self.agc, self.arb = Agc(registers, complain), Arb(registers, complain)
        self.transmitters = (
            Transmitter(0, registers, complain, name=self.name),
            Transmitter(1, registers, complain, name=self.name),
        )
        board = front_end if front_end is not None else FrontEnd()
        for transmitter in self.transmitters:
            transmitter.may_send = self._may_send
            transmitter.power_dbm = board.tx_power_dbm
        silicon = self._silicon(model)
        self._special = SpecialRegisters(silicon)
        self._receiver = Receiver(silicon, thermometer=self.thermometer, front_end=board)
        self.verdicts: Counter[ReceptionVerdict] = self._receiver.verdicts
        self._decoder = FrameDecoder(silicon, self._special, self._memory)
        self._power_on()

    # The bus

    def transfer(self, mosi: bytes) -> bytes:
        """Serve one chip-select assertion on the SX1302's bus."""
        with self._lock:
            self.transactions += 1
            self.clock.bus_bytes(len(mosi))
            if self.clock.ticks() >= self._next_at:
                self._advance()
            miso = self._decoder.answer(mosi)
        if self._ended:
            self._report()
        return miso

    def transfer_sx1261(self, mosi: bytes) -> bytes:
        """Serve one chip-select assertion on the SX1261's own bus."""
        with self._lock:
            self.clock.bus_bytes(len(mosi))
            if self.faults.dead_bus is not None:
                return bytes((self.faults.dead_bus,)) * len(mosi)
            flip = self.faults.flip_bits
            return flip(self.sx1261.transfer(flip(mosi)))

    def i2c_write(self, address: int, data: bytes) -> bool:
        """Serve one I2C write; False is a NAK."""
        with self._lock:
            return not self.faults.missing_sensor and self.thermometer.write(address, data)

    def i2c_read(self, address: int, count: int) -> bytes | None:
        """Serve one I2C read; None is a NAK."""
        with self._lock:
            return None if self.faults.missing_sensor else self.thermometer.read(address, count)

    def reset(self, line: int = RESET_SX1302) -> None:
        """Pulse a reset pin: 0 = the SX1302, whose counter starts again at 0; 1 = the SX1261."""
        with self._lock:
            if line == RESET_SX1261:
                self.sx1261.restart()
            else:
                self.resets += 1
                self._advance()
                for transmitter in self.transmitters:
                    self._keep(transmitter.abort(self.clock.ticks()))
                self._jump(-self.clock.ticks())
                self._power_on()
        self._report()

    def delay_ns(self, nanoseconds: int) -> None:
        """Let virtual time pass, as a program that sleeps does."""
        with self._lock:
            self.clock.delay_ns(nanoseconds)
            self._advance()
        self._report()

    # The air

    def inject(self, event: RfEvent) -> ReceptionVerdict:
        """Let a frame arrive; PENDING when it ends in the future, else what became of it."""
        with self._lock:
            self._advance()
            verdict = self._receiver.arrive(event, self.clock.ticks())
            self._plan()
        self._report()
        return verdict

    def inject_fifo(self, raw: bytes) -> bool:
        """Append bytes to the RX FIFO as they are; False, and nothing appended, when they do not fit."""
        with self._lock:
            return self.fifo.push(raw)

    @property
    def fifo_free_bytes(self) -> int:
        """The number of bytes that still fit into the RX FIFO; a replay paces itself by it."""
        return self.fifo.free_bytes

    @property
    def lost_fifo_full(self) -> int:
        """Frames lost because the driver did not fetch in time."""
        return self.fifo.lost_frames

    @property
    def receiving(self) -> bool:
        """Whether radios and microcontrollers run, so that frames can be heard at all."""
        return self._receiver.running

    # Time

    def now_ticks(self) -> int:
        """Return the unwrapped 32 MHz counter."""
        return self.clock.ticks()

    def advance(self) -> None:
        """Let what is due happen, without a bus transaction."""
        with self._lock:
            self._advance()
        self._report()

    def place_counters(self, *, free_running: int, pps: int | None = None) -> None:
        """Set what 0x6105 shows, the shorter way round, and let a PPS edge be at ``pps``; for replays."""
        with self._lock:
            self._jump(((free_running - self.clock.ticks() + HALF_TURN) & 0xFFFFFFFF) - HALF_TURN)
            if pps is not None:
                now = self.clock.ticks()
                self.pps.align(now - ((now - pps) & 0xFFFFFFFF))
            self._advance()
        self._report()

    def slip_counter(self, ticks: int) -> None:
        """Let the counter jump: the fault of a crystal or of a supply."""
        with self._lock:
            self._jump(ticks)
            self._advance()
        self._report()

    def registers(self) -> bytes:
        """Return a copy of the whole address space as stored."""
        with self._lock:
            return bytes(self._space.registers)

    # Inside

    def _silicon(self, model: int) -> Silicon:
        return Silicon(
            space=self._space,
            complain=self.complaints.add,
            faults=self.faults,
            fifo=self.fifo,
            pps=self.pps,
            agc=self.agc,
            arb=self.arb,
            radios=self.radios,
            transmitters=self.transmitters,
            eui=bytes.fromhex(self.eui),
            model=model,
            ticks=self.clock.ticks,
            trigger=self._trigger,
        )

    def _jump(self, ticks: int) -> None:
        self.clock.slip(ticks)
        self.pps.shift(ticks)

    def _power_on(self) -> None:
        self._space.restart()
        self._memory.restart()
        for radio in self.radios:
            radio.lines(powered=False, reset_high=False)
        self.agc.restart()
        self.arb.restart()
        self._receiver.restart()
        self.fifo.clear()
        for transmitter in self.transmitters:
            transmitter.restart()
        self._plan()

    def _trigger(self, transmitter: Transmitter, value: int) -> None:
        now = self.clock.ticks()
        if value & 0x07 and not self.agc.running:
            self.complaints.add(
                Fault.TRIGGER_BEFORE_START, f"tx {transmitter.rf_chain}: the AGC does not run"
            )
        edge = None if self.faults.pps_missing or not self._special.gps_enabled else self.pps.next(now)
        self._keep(transmitter.write_trigger(value, now, edge))
        self._plan()

    def _may_send(self, emission: Emission) -> bool:
        """Ask listen-before-talk, where the AGC was told to."""
        if not self.agc.lbt:
            return True
        free = self.sx1261.channel_is_free()
        if free is None:
            self.complaints.add(
                Fault.TRIGGER_WITHOUT_LBT, f"tx {emission.rf_chain}: LBT is on, nobody listens"
            )
        self.agc.report_lbt(emission.rf_chain, sent=bool(free))
        return bool(free)

    def _advance(self) -> None:
        now = self.clock.ticks()
        for transmitter in self.transmitters:
            transmitter.stuck = self.faults.tx_stuck
            self._keep(transmitter.advance(now))
        self._receiver.advance(now)
        self._plan()

    def _plan(self) -> None:
        instants = [source.next_at for source in (*self.transmitters, self._receiver)]
        self._next_at = min((at for at in instants if at is not None), default=NEVER)

    def _keep(self, emissions: list[Emission]) -> None:
        for emission in emissions:
            started_at_us = self.clock.host_us(emission.started_at_ticks)
            self._ended.append(replace(emission, started_at_us=started_at_us))

    def _report(self) -> None:
        with self._lock:
            ended, self._ended = self._ended, []
        if self.on_emission is not None:
            for emission in ended:
                try:
                    self.on_emission(emission)
                except RuntimeError as error:
                    log.warning("%s: nobody hears its emissions any more: %s", self.name, error)
