"""The transmit state machine of one RF chain: what its registers say goes on air, when, for how long.

    state      event                        ->  state
    free       immediate trigger            ->  emitting after TX_START_DELAY
    free       delayed trigger              ->  scheduled until the counter equals TIMER
    free       GPS trigger                  ->  scheduled until the next PPS
    scheduled  its instant, LBT says no     ->  free
    scheduled  its instant                  ->  emitting for the air time
    emitting   end of the frame             ->  free, emission reported
    any        trigger bits cleared, FSM_CLR ->  free; an emission is cut short

Sources: FACTS §10 (registers, triggers, FSM status), §13.9 (rising edges, status values).  That LoRa starts
TX_START_DELAY after its trigger, and FSK and CW at it, is **[A]**: the reference subtracts exactly that.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from hal.packets import Cw, Fsk, Lora, Modulation, TxTrigger
from hal.twin.complaints import Fault
from hal.twin.emission import Emission
from hal.twin.facts import BANDWIDTHS_HZ, TICKS_PER_US
from hal.twin.parts.power import power_dbm as reference_power_dbm
from hal.twin.symbols import fsk_air_time_us, lora_air_time_us

CHAIN_SPAN = 0x200
TX_BASE = 0x5200
TX_BUFFER = 0x100
TRIG, TIMER, START_DELAY, CTRL, POWER, STATUS = 0x00, 0x01, 0x05, 0x07, 0x0D, 0x11
IMMEDIATE, DELAYED, GPS, FSM_CLEAR = 0x01, 0x02, 0x04, 0x08
FREE, SCHEDULED, EMITTING = 0x80, 0x91, 0x60
LATE_HALF_RANGE = 1 << 31
CW_AIR_TIME_US = 1_000_000_000
"""A carrier stays until it is aborted."""
TX_RANGE_HZ = range(100_000_000, 1_000_000_001)

Complain = Callable[[Fault, str], None]


@dataclass(slots=True)
class _Pending:
    emission: Emission
    begins: int
    emitting: bool = False


class Transmitter:
    """One chain; ``advance`` moves it to ``now`` and returns what has ended."""

    def __init__(self, rf_chain: int, registers: bytearray, complain: Complain, *, name: str) -> None:
        self.rf_chain = rf_chain
        self.base = TX_BASE + CHAIN_SPAN * rf_chain
        self._registers = registers
        self._complain = complain
        self._name = name
        self._pending: _Pending | None = None
        self.stuck = False
        self.power_dbm: Callable[[int], float] = reference_power_dbm
        self.may_send: Callable[[Emission], bool] = lambda _: True
        self.last_on_air: tuple[int, int] = (-1, -1)
        """Start and end of the latest emission, for half duplex."""

    def restart(self) -> None:
        """Reset: nothing is pending."""
        self._pending = None
        self._registers[self.base + STATUS] = FREE

    @property
    def next_at(self) -> int | None:
        """The instant at which something changes by itself."""
        pending = self._pending
        if pending is None:
            return None
        return pending.emission.ended_at_ticks if pending.emitting else pending.begins

    @property
    def on_air(self) -> Emission | None:
        """What is being emitted at this moment."""
        pending = self._pending
        return pending.emission if pending is not None and pending.emitting else None

    def write_trigger(self, value: int, now: int, next_pps: int | None) -> list[Emission]:
        """Follow a write to TX_TRIG; rising edges fire, clearing all bits aborts."""
        before = self._registers[self.base + TRIG]
        self._registers[self.base + TRIG] = value
        if value & FSM_CLEAR or (before and not value & 0x07):
            return self.abort(now)
        rising = value & ~before
        if rising & 0x07:
            self._fire(rising, now, next_pps)
        return []

    def _fire(self, rising: int, now: int, next_pps: int | None) -> None:
        if self._pending is not None:
            self._complain(Fault.TRIGGER_WHILE_BUSY, f"tx {self.rf_chain}: a frame is scheduled or on air")
        registers, base = self._registers, self.base
        if rising & IMMEDIATE:
            trigger, fires = TxTrigger.IMMEDIATE, now
        elif rising & DELAYED:
            timer = int.from_bytes(registers[base + TIMER : base + TIMER + 4], "big")
            ahead = (timer - now) & 0xFFFFFFFF
            if ahead >= LATE_HALF_RANGE:
                late_us = ((1 << 32) - ahead) // TICKS_PER_US
                self._complain(Fault.TRIGGER_LATE, f"tx {self.rf_chain}: the instant passed {late_us} us ago")
            trigger, fires = TxTrigger.TIMESTAMPED, now + ahead
        else:
            trigger = TxTrigger.ON_GPS
            if next_pps is None:
                self._complain(
                    Fault.TRIGGER_WITHOUT_PPS, f"tx {self.rf_chain}: GPS trigger, but no PPS comes"
                )
            fires = next_pps if next_pps is not None else now + (1 << 62)
        emission = read_emission(registers, self.rf_chain, name=self._name, trigger=trigger)
        if emission is None:
            self._complain(Fault.TX_OUT_OF_RANGE, f"tx {self.rf_chain}: the registers describe no frame")
            return
        if emission.frequency_hz not in TX_RANGE_HZ:
            self._complain(Fault.TX_OUT_OF_RANGE, f"tx {self.rf_chain}: {emission.frequency_hz} Hz")
        power = self.power_dbm(registers[base + POWER])
        self._pending = _Pending(replace(emission, power_dbm=power), fires)
        registers[base + STATUS] = SCHEDULED
        if trigger is TxTrigger.IMMEDIATE:
            self._depart(fires)

    def _depart(self, fires: int) -> None:
        """Go on air, unless listen-before-talk forbids it."""
        pending = self._pending
        assert pending is not None
        lora = isinstance(pending.emission.modulation, Lora)
        offset = self.base + START_DELAY
        delay = int.from_bytes(self._registers[offset : offset + 2], "big") if lora else 0
        pending.emission = replace(pending.emission, started_at_ticks=fires + delay)
        if not self.may_send(pending.emission):
            self.restart()
            return
        pending.emitting = True
        self._registers[self.base + STATUS] = EMITTING
        self.last_on_air = (fires + delay, pending.emission.ended_at_ticks)

    def advance(self, now: int) -> list[Emission]:
        """Move to ``now``; return the emissions that ended."""
        pending = self._pending
        if pending is not None and not pending.emitting and pending.begins <= now:
            self._depart(pending.begins)
            pending = self._pending
        if pending is None or not pending.emitting or self.stuck or pending.emission.ended_at_ticks > now:
            return []
        self.restart()
        return [pending.emission]

    def abort(self, now: int) -> list[Emission]:
        """Fall silent; return what was cut short."""
        pending = self._pending
        if self.stuck:
            return []
        self.restart()
        if pending is None or not pending.emitting:
            return []
        on_air_us = max(0, now - pending.emission.started_at_ticks) // TICKS_PER_US
        self.last_on_air = (pending.emission.started_at_ticks, now)
        return [replace(pending.emission, air_time_us=on_air_us, aborted=True)]


def _frequency_hz(registers: bytearray, base: int) -> int:
    return round(int.from_bytes(registers[base + 0x25 : base + 0x28], "big") * 32_000_000 / (1 << 18))


def _modulation(registers: bytearray, base: int) -> Modulation | None:
    deviation_raw = (registers[base + 0x28] & 0x0F) << 8 | registers[base + 0x29]
    deviation_hz = round(deviation_raw * 32_000_000 / (1 << 18))
    match registers[base + 0x20] & 0x03:
        case 0:
            return Cw(offset_hz=deviation_hz)
        case 1:
            config = registers[base + 0x60]
            bandwidth, sf = BANDWIDTHS_HZ.get(config >> 4), config & 0x0F
            if bandwidth is None or not 5 <= sf <= 12:
                return None
            return Lora(sf=sf, bandwidth_hz=bandwidth, coding_rate=registers[base + 0x61] & 0x07)
        case 2:
            divider = registers[base + 0x44] << 8 | registers[base + 0x45]
            return Fsk(bitrate_bps=32_000_000 // max(1, divider), deviation_hz=deviation_hz)
        case _:
            return None


def read_emission(registers: bytearray, rf_chain: int, *, name: str, trigger: TxTrigger) -> Emission | None:
    """Return the frame that the registers of ``rf_chain`` describe, None if they describe none.

    When it starts, and how strong it leaves, is not in it yet.
    """
    base = TX_BASE + CHAIN_SPAN * rf_chain
    modulation = _modulation(registers, base)
    buffer = base + TX_BUFFER
    implicit = bool(registers[base + 0x62] & 0x02)
    crc = bool(registers[base + 0x62] & 0x01)
    match modulation:
        case None:
            return None
        case Lora() as lora:
            size, preamble = registers[base + 0x63], registers[base + 0x67] << 8 | registers[base + 0x66]
            payload = bytes(registers[buffer : buffer + size])
            low_rate = bool(registers[base + 0x61] & 0x30)
            air_time_us = lora_air_time_us(
                lora, size, preamble=preamble, header=not implicit, crc=crc, low_rate=low_rate
            )
        case Fsk() as fsk:
            preamble = registers[base + 0x42] << 8 | registers[base + 0x43]
            payload = bytes(registers[buffer + 1 : buffer + 1 + registers[buffer]])
            air_time_us = fsk_air_time_us(fsk, len(payload), preamble_bytes=preamble)
            crc = bool(registers[base + 0x41] & 0x02)
        case Cw():
            payload, preamble, air_time_us = b"", 0, CW_AIR_TIME_US
    power = registers[base + POWER]
    return Emission(
        name=name,
        rf_chain=rf_chain,
        trigger=trigger,
        modulation=modulation,
        frequency_hz=_frequency_hz(registers, base),
        power_dbm=0.0,
        pa_enabled=bool(power & 0x40),
        power_index=power & 0x3F,
        payload=payload,
        inverted=isinstance(modulation, Lora) and bool(registers[base + 0x69] & 0x02),
        with_crc=crc,
        implicit_header=implicit,
        preamble=preamble,
        public=registers[base + 0x6D] & 0x1F == 6,
        started_at_ticks=0,
        started_at_us=0,
        air_time_us=air_time_us,
    )
