"""The transmit state machine of one RF chain: what its registers say goes on air, when, for how long.

    state      event                        ->  state
    free       immediate trigger            ->  emitting after TX_START_DELAY
    free       delayed trigger              ->  scheduled until the counter equals TIMER
    free       GPS trigger                  ->  scheduled until the next PPS
    scheduled  its instant, LBT says no     ->  free
    scheduled  its instant                  ->  emitting for the air time
    emitting   end of the frame             ->  free, emission reported
    any        trigger bits cleared, FSM_CLR ->  free; an emission is cut short

Sources: FACTS §10 (registers, triggers, FSM status), §13.9 (rising edges, status values).  That every
modulation starts TX_START_DELAY after its trigger is **[A]** for FSK, where two lineages of the reference
disagree (``hal/README.md``, what silicon has not proved); a carrier has no instant to keep.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from hal.packets import Cw, Fsk, TxTrigger
from hal.twin.complaints import Fault
from hal.twin.emission import Emission
from hal.twin.facts import TICKS_PER_US
from hal.twin.parts.power import rak_dbm
from hal.twin.parts.tx_registers import CHAIN_SPAN, POWER, TX_BASE, read_emission

TRIG, TIMER, START_DELAY, CTRL, STATUS = 0x00, 0x01, 0x05, 0x07, 0x11
IMMEDIATE, DELAYED, GPS, FSM_CLEAR = 0x01, 0x02, 0x04, 0x08
FREE, SCHEDULED, EMITTING = 0x80, 0x91, 0x60
LATE_HALF_RANGE = 1 << 31
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
        self.delays_fsk = True
        """Whether TX_START_DELAY holds FSK back as well; a board may be otherwise (``hal prove``)."""
        self.keeps_trigger = True
        """Whether the trigger bit stays when the frame has left; a board may be otherwise."""
        self.power_dbm: Callable[[int], float] = rak_dbm
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
        modulation, offset = pending.emission.modulation, self.base + START_DELAY
        at_once = isinstance(modulation, Cw) or (isinstance(modulation, Fsk) and not self.delays_fsk)
        delay = 0 if at_once else int.from_bytes(self._registers[offset : offset + 2], "big")
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
        if not self.keeps_trigger:
            self._registers[self.base + TRIG] = 0
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
