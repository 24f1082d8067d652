"""What makes a radio suspect, pure: its counter against the host's clock, its status against what it hears.

A reading of the counter is somewhere within the time that it took: two readings contradict each other only
beyond what both can err.  What the chip says of its microcontrollers is believed only while nothing is heard:
AGC_STATUS 0x14 with parity bits was seen on boards that went on receiving (Lora-net/sx1302_hal issue 154).
A good frame between two readings of the same fault shows that this board lives with it.
"""

from dataclasses import dataclass, field

from agent.failures import reason_of_fault
from agent.timing.timebase import Anchor
from agent.wire import reasons
from agent.wire.reasons import Reason
from hal.fault import Fault, FaultKind
from hal.packets import ConcentratorStatus

COUNTER_RATE_TOLERANCE = 0.1
"""A counter that is off by more than this share of the elapsed time stands still or has jumped."""
COUNTER_DOUBT_US = 10_000
"""Two readings may differ by so much whatever they took: steps of the counter, the bridge of a USB board."""
OVERRULED_BY_RECEPTION = frozenset({FaultKind.AGC_PARITY, FaultKind.ARB_PARITY, FaultKind.AGC_STUCK})
"""What else a status can say (configuration lost, counter still, dead bus) no received frame outlives."""
HARMLESS_SILENCE_US = 900_000_000
"""A board that hears nothing for so long is started again, whatever it was shown to live with."""
HARMLESS_LIMIT = 16
"""Faults that a board was shown to live with; further ones are believed."""


def counter_suspicion(last: Anchor, anchor: Anchor) -> Reason | None:
    """Return why the counter did not advance with the host's clock; None: it did, as far as can be told."""
    elapsed_us = anchor.monotonic_us - last.monotonic_us
    counted_us = anchor.counter_us - last.counter_us
    allowed_us = COUNTER_RATE_TOLERANCE * elapsed_us + last.doubt_us + anchor.doubt_us + COUNTER_DOUBT_US
    if abs(counted_us - elapsed_us) <= allowed_us:
        return None
    return reasons.radio.counter_jumped(counted_us=counted_us, elapsed_us=elapsed_us)


@dataclass(slots=True)
class Suspicion:
    """One board over its starts: which of its faults it was shown to live with."""

    overruled: int = 0
    """Suspicions that reception overruled."""
    _heard_at_us: int | None = None
    _asked_at_us: int = 0
    _harmless: set[Fault] = field(default_factory=set)

    def good_frame(self, now_us: int) -> None:
        """Take in that a frame came whose CRC is right."""
        self._heard_at_us = now_us

    def started(self, now_us: int) -> None:
        """Begin anew: what was heard before this start proves nothing of it."""
        self._heard_at_us, self._asked_at_us = None, now_us

    def counter(self, last: Anchor, anchor: Anchor) -> Reason | None:
        """Return why the radio must be started again; one that heard since ``last`` is only timed anew."""
        suspicion = counter_suspicion(last, anchor)
        if suspicion is None or not self._heard_since(last.monotonic_us):
            return suspicion
        self.overruled += 1
        return None

    def status(self, status: ConcentratorStatus, now_us: int) -> Reason | None:
        """Return why the radio must be started again, by its status; asked at each reading of it."""
        before_us, self._asked_at_us = self._asked_at_us, now_us
        fault = fault_of(status)
        if fault is None:
            return None if status.receiving else reasons.radio.not_receiving()
        if fault.kind not in OVERRULED_BY_RECEPTION:
            return reason_of_fault(fault)
        heard = self._heard_since(before_us)
        if heard and len(self._harmless) < HARMLESS_LIMIT:
            self._harmless.add(fault)
        if heard or (fault in self._harmless and self._heard_since(now_us - HARMLESS_SILENCE_US)):
            self.overruled += 1
            return None
        if status.fault is None:
            return reasons.radio.parity_lost(register=f"{status.agc_status:#04x}")
        return reason_of_fault(fault)

    def _heard_since(self, at_us: int) -> bool:
        return self._heard_at_us is not None and self._heard_at_us > at_us


def fault_of(status: ConcentratorStatus) -> Fault | None:
    """Return what a status says is wrong."""
    if status.fault is not None:
        return status.fault
    if not status.agc_parity_ok:
        return Fault(FaultKind.AGC_PARITY, status.agc_status)
    return None if status.arb_parity_ok else Fault(FaultKind.ARB_PARITY)
